import { type Hex, hex } from '../../base/hex.ts';
import { isOfProcessor, signalName } from '../../domain/signals.ts';
import type { Said } from './tracelog.ts';

export type SignalStatement = Extract<Said, { is: 'signal' }>;

/**
 * Reads a line that tells of a signal.
 *
 * @param text without white space around it
 */
export function readSignal(text: string): SignalStatement | undefined {
	for (const [form, by, read] of forms) {
		const match = form.exec(text);
		if (!match) continue;
		const { name, number, code, address, pc } = read(match);
		const signal = number === undefined ? signalNumber(name ?? '') : Number(number);
		if (signal === undefined || !(signal > 0 && signal <= 64)) return undefined;
		return { is: 'signal', by, signal, ...details(code, address, pc) };
	}
	return undefined;
}

/** `PC=0x… m=10 sigcode=1 addr=0x…`: the line behind the one that names the signal (Go: runtime/signal_unix.go, sighandler). */
export function readSignalDetails(text: string): Partial<SignalStatement> | undefined {
	const match = /^PC=(0x[0-9a-f]+) m=-?\d+ sigcode=(\d+)(?: addr=(0x[0-9a-f]+))?/.exec(text);
	return match ? details(match[2], match[3], match[1]) : undefined;
}

/** `0x0` for `(nil)`; nothing for what is no address. */
export function address(text: string | undefined): Hex | undefined {
	if (text === '(nil)') return '0x0';
	return text !== undefined && /^0x[0-9a-f]{1,16}$/i.test(text) ? hex(BigInt(text)) : undefined;
}

type Parts = {
	name?: string | undefined;
	number?: string | undefined;
	code?: string | undefined;
	address?: string | undefined;
	pc?: string | undefined;
};
type Form = readonly [RegExp, SignalStatement['by'], (match: RegExpExecArray) => Parts];

/** What the kernel's si_code of a fault is called by folly (folly/debugging/symbolizer/SignalHandler.cpp). */
const follyCodes: Readonly<Record<string, string>> = {
	'address not mapped to object': '1',
	'invalid permissions for mapped object': '2',
	'nonexistent physical address': '2',
	'invalid address alignment': '1',
	'integer divide by zero': '1',
	'illegal opcode': '1',
};

/** What bash says of a child that a signal ended: strsignal(3). */
const shellWords: Readonly<Record<string, string>> = {
	'Segmentation fault': 'SIGSEGV',
	Aborted: 'SIGABRT',
	'Bus error': 'SIGBUS',
	'Floating point exception': 'SIGFPE',
	'Illegal instruction': 'SIGILL',
	Killed: 'SIGKILL',
};

const forms: readonly Form[] = [
	// Go: [signal SIGSEGV: segmentation violation code=0x1 addr=0x28 pc=0x…]; before 1.9 with the number.
	[
		/^\[?signal (?:(SIG[A-Z]{2,6})|(0x[0-9a-f]{1,8}))\b.*? code=(0x[0-9a-f]+) addr=(0x[0-9a-f]+)(?: pc=(0x[0-9a-f]+))?/,
		'go',
		([, name, number, code, address, pc]) => ({ name, number, code, address, pc }),
	],
	[/^(SIG[A-Z]{2,6}): [a-z]/, 'go', ([, name]) => ({ name })],
	// Milvus: pkg/util/symbolizer
	[
		/^SIGNO: (\d+);(?: SIGNAME: [^;]*;)?(?: SI_CODE: (-?\d+);)?(?: SI_ADDR: (\S+))?/,
		'handler',
		([, number, code, address]) => ({ number, code, address }),
	],
	// Of signals that no instruction brings about, the handlers of folly and glog print the sender in the address's place.
	// folly: *** Signal 11 (SIGSEGV) (0x10) received by PID 7 (pthread TID 0x…) (linux TID 9) (code: …), stack trace: ***
	[
		/^\*\*\* Signal (\d+) \(SIG\w+\) \((0x[0-9a-f]+)\) received by PID (?:.*\(code: ([^()]*)\))?/,
		'handler',
		([, number, address, code]) => ({ number, address: isOfProcessor(Number(number)) ? address : undefined, code: follyCodes[code ?? ''] }),
	],
	// glog: *** SIGSEGV (@0x10) received by PID 1 (TID 0x…) from PID 16; stack trace: ***
	[
		/^\*\*\* (SIG[A-Z]+) \(@(0x[0-9a-f]+)\) received by PID/,
		'handler',
		([, name, address]) => ({ name, address: isOfProcessor(signalNumber(name ?? '') ?? 0) ? address : undefined }),
	],
	// abseil: *** SIGSEGV received at time=1700000000 on cpu 3 ***
	[/^\*\*\* (SIG[A-Z]+) received at time=\d/, 'handler', ([, name]) => ({ name })],
	// Milvus 1: core/src/utils/SignalHandler.cpp
	[/^Server received critical signal: ?(\d{1,2})$/, 'handler', ([, number]) => ({ number })],
	// AddressSanitizer and its family: ==7==ERROR: AddressSanitizer: SEGV on unknown address 0x… (pc 0x… bp 0x… sp 0x… T17)
	[
		/^==\d+==\s?ERROR: \w+Sanitizer: (SEGV|BUS|FPE|ILL|ABRT|TRAP) on unknown address(?: (0x[0-9a-f]+))?(?: \(pc (0x[0-9a-f]+))?/,
		'sanitizer',
		([, name, address, pc]) => ({ name: `SIG${name}`, address, pc }),
	],
	// gdb
	[/^(?:Program|Thread \S.{0,200}) (?:terminated with|received) signal (SIG[A-Z]+)\b/, 'report', ([, name]) => ({ name })],
	// lldb
	[
		/^(?:\* )?thread #.{0,500}stop reason = signal (SIG[A-Z]+)\b(?:.{0,200}\(fault address: (0x[0-9a-f]+)\))?/,
		'report',
		([, name, address]) => ({ name, address }),
	],
	// coredumpctl info
	[/^Signal: (\d{1,2}) \([A-Z]+\)$/, 'report', ([, number]) => ({ number })],
	// shells
	[
		/^(?:\S{1,200}: line \d{1,7}: +\d{1,10} )?(Segmentation fault|Aborted|Bus error|Floating point exception|Illegal instruction|Killed)(?: +\(core dumped\)(?: .*)?)?$/,
		'report',
		([, words]) => ({ name: shellWords[words ?? ''] }),
	],
	// the kernel
	[/(?:^|\] )(?:Memory cgroup o|O)ut of memory: Kill(?:ed)? process \d+ /, 'report', () => ({ name: 'SIGKILL' })],
	// people
	[/^(SIG[A-Z]{2,6})$/, 'report', ([, name]) => ({ name })],
	[
		/^(?:.{0,80} )?(?:Exited \(|Exit ?Code[=:] ?|exit(?:ed)? (?:with )?(?:code|status) )(1[2-9]\d)\b/i,
		'report',
		([, code]) => ({ number: String(Number(code) - 128) }),
	],
];

function details(code: string | undefined, fault: string | undefined, pc: string | undefined) {
	const codeNumber = signedCode(code);
	const faultAddress = address(fault);
	const counter = address(pc);
	return {
		...(codeNumber !== undefined && { code: codeNumber }),
		...(faultAddress !== undefined && { address: faultAddress }),
		...(counter !== undefined && { pc: counter }),
	};
}

/** Go prints si_code as an unsigned number of 64 bits: SI_TKILL (-6) as 18446744073709551610. */
function signedCode(text: string | undefined): number | undefined {
	if (text === undefined || !/^(?:-?\d{1,20}|0x[0-9a-f]{1,16})$/.test(text)) return undefined;
	const code = Number(BigInt.asIntN(64, BigInt(text)));
	return Math.abs(code) < 2 ** 31 ? code : undefined;
}

const numbers = new Map(Array.from({ length: 32 }, (_, number) => [signalName(number), number] as const));
const signalNumber = (name: string) => numbers.get(name);
