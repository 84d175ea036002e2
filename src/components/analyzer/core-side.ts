import { defined } from '../../base/defined.ts';
import type { Hex } from '../../base/hex.ts';
import type { Core, Frame, Module, Signal, Thread } from '../../domain/report.ts';
import { isFault, isSent, signalCodeName, signalName } from '../../domain/signals.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';
import type { Origin } from '../../readers/corename/corename.ts';
import { type Statement, statementOfAbort } from '../../readers/tracelog/tracelog.ts';
import type { Fault } from './death.ts';
import type { FoundModule } from './modules.ts';
import type { Stacks } from './stacks.ts';

/** All that was read of a core. */
export type CoreEvidence = {
	/** What the file's name and attributes tell. */
	readonly origin: Origin;
	readonly corefile: Corefile;
	readonly modules: readonly FoundModule[];
	/** Absent where there is only the core's own word. */
	readonly stacks: Stacks | undefined;
	readonly notes: readonly string[];
};

/** More frames than this are not kept: a report is for people. The crashed thread's come first. */
const mostFrames = 10_000;

export function coreSignalOf({ corefile: { siginfo, threads }, origin }: CoreEvidence): Signal | null {
	const number = siginfo?.signal ?? threads[0]?.signal ?? origin.signal ?? 0;
	if (number === 0) return null;
	const name = signalName(number);
	if (!siginfo) return { number, name };
	const { code } = siginfo;
	return {
		number,
		name,
		code,
		codeName: signalCodeName(number, code),
		...(isFault(number, code) ? { address: siginfo.address } : {}),
		...(isSent(code) ? { sender: { pid: siginfo.senderPid, uid: siginfo.senderUid } } : {}),
	};
}

/** The process raised the core's signal itself, so that the innermost frame is only that of the raise. */
export const isRaised = ({ corefile: { siginfo, process } }: CoreEvidence) =>
	siginfo !== undefined && isSent(siginfo.code) && siginfo.senderPid === process?.pid;

/**
 * What the handlers of signals interrupted, the first in time last: in the core's first thread; where the process raised its signal anew,
 * in the first thread that had one of its own.
 */
export function faultsOf(core: CoreEvidence): readonly Fault[] {
	const threads = core.stacks?.threads ?? [];
	const [first] = threads;
	const struck = isRaised(core) ? threads.find(isStruck) : first && isStruck(first) ? first : undefined;
	return struck?.faults ?? [];
}

/** SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS. */
const deadly: readonly (number | undefined)[] = [4, 5, 6, 7, 8, 11, 31];

/**
 * Whether a thread only handled a signal that means no harm: timers, profilers, Go's own SIGURG. Go asks all its threads for their stacks
 * by SIGQUIT; in old releases any of them may end the process then (golang/go#63277).
 */
const isBystander = (faults: readonly Fault[]) => faults.length > 0 && !deadly.includes(faults.at(-1)?.signal);

/** Whether a thread had a signal of its own that means harm, and handled it. */
const isStruck = ({ faults }: { readonly faults: readonly Fault[] }) => faults.length > 0 && !isBystander(faults);

/** The threads that only handled such a signal, by their ids. */
export const bystandersOf = ({ stacks }: CoreEvidence): ReadonlySet<number | undefined> =>
	new Set(stacks?.threads.filter(({ faults }) => isBystander(faults)).map(({ id }) => id));

/** Where the processor refused to go on: what the first handler interrupted, else where the crashed thread is. */
export function placeOfFault(core: CoreEvidence): { readonly pc: bigint | undefined; readonly stackPointer: bigint | undefined } {
	const fault = faultsOf(core).at(-1);
	if (fault) return { pc: BigInt(fault.pc), stackPointer: BigInt(fault.stackPointer) };
	const { architecture, threads } = core.corefile;
	const address = (register: Hex | undefined) => (register === undefined ? undefined : BigInt(register));
	return {
		pc: address(threads[0]?.registers[architecture.programCounter]),
		stackPointer: address(threads[0]?.registers[architecture.stackPointer]),
	};
}

/** What the C and C++ libraries left in memory of the process's last words. */
export function statementsOf({ stacks }: CoreEvidence): Statement[] {
	const { exception, abortMessage } = stacks ?? {};
	const abort = abortMessage ? statementOfAbort(abortMessage) : undefined;
	return [
		...(exception
			? [{ at: 0, is: 'exception', type: exception.type, ...defined({ message: exception.message ?? undefined }) } as const]
			: []),
		...(abort ? [{ at: 0, ...abort }] : []),
	];
}

export function modulesOf({ modules, stacks }: CoreEvidence): Module[] {
	return modules.map(({ module, hasDebugInfo }) => {
		if (module.symbols === 'none') return module;
		const isFull = hasDebugInfo || (module.buildId !== undefined && stacks?.debugFiles.includes(module.buildId));
		return { ...module, symbols: isFull ? 'full' : 'names' };
	});
}

export function threadsOf({ corefile, modules, stacks, origin }: CoreEvidence): Thread[] {
	// The kernel's own code in the process comes with the core.
	const usable = new Set(['[vdso]', ...modules.filter(({ loaded }) => loaded).map(({ module }) => module.path)]);
	const byId = new Map(stacks?.threads.map((thread) => [thread.id, thread]));
	let spare = mostFrames;
	const threads = corefile.threads.map(({ id, registers }, index) => {
		const unwound = byId.get(id);
		const pc = registers[corefile.architecture.programCounter] as Hex;
		const all = trusted(
			(unwound?.frames.length ? unwound.frames : [{ pc }]).map((frame) => ({ ...frame, ...corefile.locate(frame.pc) })),
			usable,
		);
		const frames = all.slice(0, Math.max(1, spare));
		spare -= frames.length;
		const omitted = all.length - frames.length + (unwound?.omittedFrames ?? 0);
		const name = index === 0 && origin.producer === 'kernel' && origin.name !== corefile.process?.name ? origin.name : undefined;
		return { id, ...defined({ name }), crashed: false, frames, ...(omitted > 0 ? { omittedFrames: omitted } : {}) };
	});
	return suspectFirst(threads, stacks);
}

/** The thread whose registers the core has first; if that is only a bystander, the first that had a signal of its own. */
function suspectFirst(threads: readonly Thread[], stacks: Stacks | undefined): Thread[] {
	const current = stacks?.threads.find(({ id }) => id === threads[0]?.id);
	const struck = current && isBystander(current.faults) ? stacks?.threads.find(isStruck) : undefined;
	const suspect = struck && threads.find(({ id }) => id === struck.id);
	return suspect ? [suspect, ...threads.filter((thread) => thread !== suspect)] : [...threads];
}

/** The frames up to the first whose module is not here: what a debugger finds behind it is guessed. */
function trusted(frames: readonly Frame[], usable: ReadonlySet<string>): Frame[] {
	const last = frames.findIndex(({ module }) => module !== undefined && !usable.has(module));
	return last < 0 ? [...frames] : frames.slice(0, last + 1);
}

/** What gdb complained of, and how the crashed thread's stack ended if not at its beginning. */
export function complaintsOf({ stacks }: CoreEvidence): readonly string[] {
	const ended = stacks?.threads[0]?.ended;
	return [...(stacks?.problems ?? []), ...(ended ? [`the stack of the crashed thread is not whole: ${ended}`] : [])];
}

/** Of the crashed thread where it was struck; a handler of its own has others. */
export function registersOf(core: CoreEvidence): Readonly<Record<string, Hex>> | undefined {
	const { architecture, threads } = core.corefile;
	const fault = faultsOf(core).at(-1);
	if (!fault) return threads[0]?.registers;
	return fault.registers ?? { [architecture.programCounter]: fault.pc, [architecture.stackPointer]: fault.stackPointer };
}

/** The file, with the size that was found by reading it. */
export function withSize(core: Core, { corefile }: CoreEvidence): Core {
	if (core.encoding === 'raw') return core;
	const { slim, encoding, sizeBytes, uncompressedBytes } = corefile;
	return { ...core, ...defined({ uncompressedBytes: slim?.originalBytes ?? (encoding === 'raw' ? sizeBytes : uncompressedBytes) }) };
}

/** To `analyze` and to the agent. */
const debugWays = '--symbols or --debuginfod (analyzer.symbols.paths, analyzer.symbols.debuginfod)';
const ways = `--exe, --sysroot, ${debugWays}`;

/** Which files would have told more. */
export function missing({ stacks }: CoreEvidence, modules: readonly Module[], frames: readonly Frame[]): string[] {
	const used = new Set(frames.map(({ module }) => module));
	const wanted = modules.filter(({ file }) => file === 'missing' || file === 'replaced');
	const inStack = wanted.filter(({ path }) => used.has(path));
	const unverified = modules.filter(({ path, file }) => file === 'unverified' && used.has(path));
	const others = wanted.length - inStack.length;
	const isNameless = (path: string) => frames.some((frame) => frame.module === path && frame.function === undefined && !frame.noise);
	const nameless = modules.filter(({ path, file }) => stacks && (file === 'same' || file === 'unverified') && isNameless(path));
	return [
		...inStack.map(({ path, file, buildId }) =>
			file === 'missing'
				? `${path} is not here: the stack ends at it; give it by ${ways}`
				: `${path} ${buildId === undefined ? 'was changed or deleted since it was mapped' : 'is another build than the one that crashed'}, and was not used; give the right one by ${ways}`,
		),
		...unverified.map(({ path }) => `${path} could not be compared with the core, which holds no build-id of it`),
		...nameless.map(({ path }) => `${path} has no names for all that is in the stack; give its debug information by ${debugWays}`),
		...(others > 0 ? [`${others} more mapped ${others === 1 ? 'file is' : 'files are'} not here, or of another build`] : []),
	];
}
