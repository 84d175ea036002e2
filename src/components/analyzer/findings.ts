import { defined } from '../../base/defined.ts';
import type { Hex } from '../../base/hex.ts';
import type { Bodies } from '../../domain/events.ts';
import { stackText } from '../../domain/frames.ts';
import type { Frame, Module, Process, Signal, Thread } from '../../domain/report.ts';
import { scoreOf } from '../../domain/score.ts';
import { isFault, isSent, signalCodeName, signalName } from '../../domain/signals.ts';
import type { Stacks } from '../../drivers/gdb/gdb.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';
import type { Origin } from '../../readers/corename/corename.ts';
import { culpritOf } from './culprit/culprit.ts';
import { fingerprintOf } from './fingerprint/fingerprint.ts';
import type { FoundModule } from './modules.ts';
import { reasonOf } from './reason.ts';

/** All that was read of one crash. */
export type Evidence = {
	readonly found: Bodies['CoredumpFile'];
	/** What the file's name and attributes tell. */
	readonly origin: Origin;
	readonly corefile: Corefile;
	readonly modules: readonly FoundModule[];
	/** Absent where there is only the core's own word. */
	readonly stacks: Stacks | undefined;
	readonly notes: readonly string[];
	readonly panicKeywords: readonly string[];
	/** Where it must have been if nothing else tells. */
	readonly host: string | undefined;
};

/** More frames than this are not kept: a report is for people. The crashed thread's come first. */
const mostFrames = 10_000;

/** What follows from the evidence. Pure. */
export function findings(evidence: Evidence): Bodies['AnalysisResults'] {
	const { found, corefile, stacks, notes } = evidence;
	const { architecture } = corefile;
	const modules = evidence.modules.map((one) => withSymbols(one, stacks));
	const threads = threadsOf(evidence);
	const frames = threads[0]?.frames ?? [];
	const registers = corefile.threads[0]?.registers ?? {};
	const signal = signalOf(evidence);
	const culprit = culpritOf(frames, stacks !== undefined);
	const reason = reasonOf({
		signal,
		pid: corefile.process?.pid,
		pc: address(registers[architecture.programCounter]),
		stackPointer: address(registers[architecture.stackPointer]),
		frames,
		abortMessage: stacks?.abortMessage ?? null,
	});
	const core = {
		...found.core,
		...defined({ uncompressedBytes: found.core.encoding === 'raw' ? undefined : uncompressedBytes(corefile) }),
	};
	const score = scoreOf({
		reason,
		stackText: stackText(frames),
		threadCount: threads.length,
		isAssociated: false,
		signal: signal?.number,
		sizeBytes: core.uncompressedBytes ?? core.sizeBytes,
		ageMs: Date.parse(found.foundAt) - Date.parse(found.time),
		panicKeywords: evidence.panicKeywords,
	});
	return {
		core,
		analysis: {
			complete: corefile.complete,
			signal,
			coreSignal: signal,
			process: processOf(evidence),
			association: {
				method: 'none',
				confidence: 'none',
				...defined({ host: evidence.origin.hostname ?? corefile.initialStack?.environment.HOSTNAME ?? evidence.host }),
			},
			reason,
			culprit,
			fingerprint: fingerprintOf(culprit, frames, modules),
			registers,
			threads,
			modules,
			stack: stacks ? 'gdb' : 'none',
			score,
			notes: [...notes, ...(stacks?.problems ?? []), ...missing(modules, frames)],
		},
	};
}

const address = (register: Hex | undefined) => (register === undefined ? undefined : BigInt(register));

const uncompressedBytes = (corefile: Corefile) => (corefile.encoding === 'raw' ? corefile.sizeBytes : corefile.uncompressedBytes);

function signalOf({ corefile: { siginfo, threads }, origin }: Evidence): Signal | null {
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

function processOf({ corefile: { process, executable, initialStack }, origin }: Evidence): Process {
	const environment = initialStack?.environment ?? {};
	return defined({
		pid: process?.pid,
		hostPid: origin.hostPid,
		name: process?.name ?? origin.name,
		executable: executable ?? origin.executable,
		arguments: initialStack?.arguments.join(' ') ?? process?.arguments,
		environment: Object.keys(environment).length > 0 ? environment : undefined,
	});
}

function withSymbols({ module, hasDebugInfo }: FoundModule, stacks: Stacks | undefined): Module {
	if (module.symbols === 'none') return module;
	const isFull = hasDebugInfo || (module.buildId !== undefined && stacks?.debugFiles.includes(module.buildId));
	return { ...module, symbols: isFull ? 'full' : 'names' };
}

function threadsOf({ corefile, modules, stacks }: Evidence): Thread[] {
	const usable = new Set(modules.filter(({ loaded }) => loaded).map(({ module }) => module.path));
	const byId = new Map(stacks?.threads.map((thread) => [thread.id, thread]));
	let spare = mostFrames;
	return corefile.threads.map(({ id, registers }, index) => {
		const unwound = byId.get(id);
		const pc = registers[corefile.architecture.programCounter] as Hex;
		const all = trusted(
			(unwound?.frames.length ? unwound.frames : [{ pc }]).map((frame) => located(frame, corefile)),
			usable,
		);
		const frames = all.slice(0, Math.max(1, spare));
		spare -= frames.length;
		const omitted = all.length - frames.length + (unwound?.omittedFrames ?? 0);
		return { id, crashed: index === 0, frames, ...(omitted > 0 ? { omittedFrames: omitted } : {}) };
	});
}

const located = (frame: Frame, corefile: Corefile): Frame => ({ ...frame, ...corefile.locate(frame.pc) });

/** The frames up to the first whose module is not here: what a debugger finds behind it is guessed. */
function trusted(frames: readonly Frame[], usable: ReadonlySet<string>): readonly Frame[] {
	const last = frames.findIndex(({ module }) => module !== undefined && !usable.has(module));
	return last < 0 ? frames : frames.slice(0, last + 1);
}

/** Which files would have told more. */
function missing(modules: readonly Module[], frames: readonly Frame[]): string[] {
	const wanted = modules.filter(({ file }) => file === 'missing' || file === 'replaced');
	const inStack = wanted.filter(({ path }) => frames.some(({ module }) => module === path));
	const others = wanted.length - inStack.length;
	return [
		...inStack.map(({ path, file }) =>
			file === 'missing'
				? `${path} is not here: the stack ends at it; give it by --exe, --sysroot or analyzer.symbols.paths`
				: `${path} is another build than the one that crashed, and was not used; give the right one by --exe, --sysroot or analyzer.symbols.paths`,
		),
		...(others > 0 ? [`${others} more mapped ${others === 1 ? 'file is' : 'files are'} not here, or of another build`] : []),
	];
}
