import type { Frame, Signal } from '../../domain/report.ts';
import { classify } from './culprit/culprit.ts';
import type { Death } from './death.ts';

export type ReasonInputs = {
	readonly death: Death;
	readonly pid: number | undefined;
	/** Where the thread was when the processor refused to go on. */
	readonly pc: bigint | undefined;
	readonly stackPointer: bigint | undefined;
	/** The crashed thread's. */
	readonly frames: readonly Frame[];
};

/** How far from the stack pointer a fault still belongs to the stack: the largest frame that is usual, with arrays. */
const stackReach = 64n << 10n;
/** Who writes upwards beyond the end meets the next page's first byte; who runs out of stack downwards, any. */
const pageSize = 4096n;
/** A panic's value may be as long as its author likes. */
const mostWords = 500;

/** Why the process died, in words; null when nothing says so. */
export function reasonOf(inputs: ReasonInputs): string | null {
	const { signal, kind, statement } = inputs.death;
	const words = inOwnWords(inputs.death);
	if (!statement && kind === 'go panic' && signal && signal.name !== 'SIGABRT') return `Go panic: ${inWords(signal, inputs)}`;
	if (words !== undefined) return signal && kind !== 'go panic' ? `${signal.name}: ${words}` : words;
	if (!signal) return null;
	if (signal.name === 'SIGSTOP') return 'not a crash: a copy of a running process';
	if (isFromOutside(signal)) return `${signal.name}: sent by a process that the log does not name`;
	if (signal.sender && signal.sender.pid !== inputs.pid) return `${signal.name}: sent ${senderInWords(signal.sender)}`;
	if (signal.sender && signal.name !== 'SIGABRT')
		return `${signal.name}: raised by the process itself, perhaps anew by a handler of its own after a fault`;
	return `${signal.name}: ${inWords(signal, inputs)}`;
}

/** SI_USER: a log names the signal's code, and not who sent it. */
const isFromOutside = ({ code, sender }: Signal) => code === 0 && !sender;

/** Whoever is outside of the pid namespace has no number in it. */
const senderInWords = ({ pid, uid }: NonNullable<Signal['sender']>) =>
	pid === 0 ? "from outside of the process's pid namespace" : `by process ${pid} (uid ${uid})`;

const withoutWords: Readonly<Partial<Record<Death['kind'], string>>> = {
	'go panic': 'a Go panic',
	'go fatal error': 'a Go fatal error',
	'rust panic': 'a Rust panic',
};

/** What the process itself said is better than what its signal says. */
function inOwnWords({ statement, kind }: Death): string | undefined {
	if (!statement) return withoutWords[kind];
	switch (statement.is) {
		case 'signal':
			return undefined;
		case 'go panic':
			return `Go panic: ${cut(statement.message)}`;
		case 'go fatal error':
			return `Go fatal error: ${cut(statement.message)}`;
		case 'exception': {
			const { type, message } = statement;
			if (type === undefined) return message === undefined ? 'std::terminate was called' : cut(message);
			return `a C++ exception that nobody caught: ${type}${message === undefined ? '' : `: ${cut(message)}`}`;
		}
		case 'rust panic':
			return `Rust panic at ${statement.source.file}:${statement.source.line ?? '?'}: ${cut(statement.message)}`;
		case 'assertion':
			return `failed assertion: ${cut(statement.message)}`;
		case 'heap corruption':
			return cut(statement.message);
		case 'exit':
			return `ended itself on purpose: ${cut(statement.message)}`;
		default:
			return statement satisfies never;
	}
}

const cut = (text: string) => (text.length <= mostWords ? text : `${text.slice(0, mostWords)}…`);

function inWords(signal: Signal, inputs: ReasonInputs): string {
	switch (signal.name) {
		case 'SIGSEGV':
			return segmentationFault(signal, inputs);
		case 'SIGABRT':
			return aborted(inputs);
		case 'SIGFPE':
			return arithmetic[signal.codeName ?? ''] ?? 'arithmetic fault';
		case 'SIGBUS':
			return signal.codeName === 'BUS_ADRERR'
				? `access to ${signal.address} in a mapped file beyond its end, or where the disk could not be read`
				: `access to ${signal.address ?? 'an address'} that the hardware refused${signal.codeName === 'BUS_ADRALN' ? ' (not aligned)' : ''}`;
		case 'SIGILL':
			return 'an instruction that this processor does not know, or a trap that the compiler put where the program must not come';
		case 'SIGTRAP':
			return 'a breakpoint or trap';
		case 'SIGKILL':
			return 'ended from outside: by the kernel for want of memory, by the kubelet, or by a person';
		case 'SIGSYS':
			return 'a system call that seccomp forbids';
		default:
			return signal.code === undefined ? 'who sent it is not told' : 'raised by the kernel';
	}
}

const arithmetic: Readonly<Record<string, string>> = {
	FPE_INTDIV: 'integer division by zero',
	FPE_INTOVF: 'integer overflow',
	FPE_FLTDIV: 'floating-point division by zero',
	FPE_FLTOVF: 'floating-point overflow',
	FPE_FLTINV: 'invalid floating-point operation',
};

function segmentationFault({ address, codeName }: Signal, { pc, stackPointer }: ReasonInputs): string {
	if (address === undefined)
		return codeName === 'SI_KERNEL'
			? 'an address that no pointer can have (not canonical), or an instruction that is not allowed'
			: 'access to memory that is not mapped or not allowed (the address is not told)';
	const at = BigInt(address);
	if (at === pc) return `jump to ${address}, where there is no code${at < 4096n ? ' (call through a null pointer)' : ''}`;
	if (stackPointer !== undefined && isNear(at, stackPointer))
		return at > stackPointer && at % pageSize === 0n
			? `access to ${address}, where the stack's memory ends: something on the stack was written beyond its end`
			: `stack overflow: access to ${address}, below the end of the stack`;
	if (codeName === 'SEGV_ACCERR')
		return `access to ${address}, which is mapped without the right to do so (a write to read-only memory, for example)`;
	if (at < 4096n) return `access to ${address} through a null pointer${at === 0n ? '' : ` (offset ${at})`}`;
	return `access to ${address}, where nothing is mapped`;
}

const isNear = (address: bigint, stackPointer: bigint) => address > stackPointer - stackReach && address < stackPointer + stackReach;

function aborted({ frames }: ReasonInputs): string {
	const names = new Set(frames.map((frame) => classify(frame).name));
	if (names.has('__cxa_throw')) return 'a C++ exception that nobody caught';
	if (names.has('__cxa_pure_virtual')) return 'a pure virtual function was called';
	if (names.has('std::terminate')) return 'std::terminate was called';
	if (names.has('runtime.raise') || names.has('runtime.dieFromSignal'))
		return "Go's runtime ended the process, after a fault, a panic or a signal that its log tells";
	return 'the process called abort()';
}
