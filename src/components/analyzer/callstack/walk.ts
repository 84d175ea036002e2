import { type Hex, hex } from '../../../base/hex.ts';
import { callerOf, codeAddress, describeStop, type Frame, innermostFrame } from '../../../readers/unwind/unwind.ts';
import type { Fault } from '../death.ts';
import { callerByCall, callerByFramePointer } from './frame-pointer.ts';
import { type GoSteps, goSteps } from './go.ts';
import type { CodeModule } from './module.ts';
import type { CrashedProcess } from './process.ts';
import { interruptedAt, isTrampoline } from './signal-frame.ts';

export type WalkedFrame = {
	readonly pc: bigint;
	/** What says which function and line it is in. */
	readonly codeAddress: bigint;
	readonly stackPointer: bigint | undefined;
	readonly module: CodeModule | undefined;
	/** The kernel put it there, to call a signal's handler. */
	readonly isSignalFrame: boolean;
};

export type Walk = {
	readonly innermost: Frame | undefined;
	/** The innermost first. */
	readonly frames: readonly WalkedFrame[];
	/** How many more were passed. */
	readonly omitted: number;
	/** What the handlers of signals interrupted, the first in time last. */
	readonly faults: readonly Fault[];
	/** Why it ended, if not at the stack's beginning. */
	readonly ended: string | null;
};

/** So many are kept. A handler that faults may be called for that again and again: what the first in time interrupted says most. */
const [mostFrames, mostFaults] = [200, 20];

/** One step further up, or why there is none. */
type Next =
	| { readonly is: 'caller'; readonly frame: Frame; readonly fault?: Fault | undefined }
	| { readonly is: 'outermost' }
	| { readonly is: 'stopped'; readonly words: string };

/**
 * Follows a thread's stack from its innermost frame to its beginning, through the handlers of signals and over the stacks between which Go
 * changes. A forged or broken stack ends with a reason.
 *
 * @param registers as the kernel names them
 * @param mostPassed so many frames, or one: a stack that has overflowed has some hundred thousand
 */
export async function walk(registers: Readonly<Record<string, Hex>>, process: CrashedProcess, mostPassed: number): Promise<Walk> {
	const stepInGo = goSteps(registers, process);
	const frames: WalkedFrame[] = [];
	const faults: Fault[] = [];
	const seen = new Set<string>();
	let passed = 0;
	const values = Object.fromEntries(Object.entries(registers).map(([name, value]) => [name, BigInt(value)]));
	const innermost = innermostFrame(values, process.machine);
	const ended = (words: string | null): Walk => ({
		innermost,
		frames,
		omitted: passed - frames.length,
		faults,
		ended: words,
	});
	if (!innermost) return ended('the core does not say where it is');
	let frame = innermost;
	for (;;) {
		const isSignalFrame = !frame.isExact && (await isTrampoline(frame.pc, process.machine, process.memory));
		const address = isSignalFrame ? frame.pc : codeAddress(frame);
		const module = await process.moduleAt(address);
		const stackPointer = frame.registers.get(process.machine.stackPointer);
		if (frames.length < mostFrames) frames.push({ pc: frame.pc, codeAddress: address, stackPointer, module, isSignalFrame });
		if (++passed >= mostPassed) return ended('there are more frames than were counted');
		const place = `${frame.pc} ${stackPointer}`;
		if (seen.has(place)) return ended('it leads back to where it was before');
		seen.add(place);
		const next: Next = isSignalFrame ? await interruptedBy(frame, process) : await callerFrom(frame, module, stepInGo, process);
		if (next.is === 'outermost') return ended(null);
		if (next.is === 'stopped') return ended(next.words);
		if (next.fault && faults.push(next.fault) > mostFaults) faults.shift();
		const { pc } = next.frame;
		if (pc === 0n && !next.frame.isExact) return ended(null);
		// A signal may have come where no code is; what has called something is code, of a mapped file or the kernel's own.
		if (!isSignalFrame && !(await process.isCode(codeAddress(next.frame))) && !(await isTrampoline(pc, process.machine, process.memory)))
			return ended(`the return address is ${hex(pc)}, which is in the code of no mapped file`);
		frame = next.frame;
	}
}

async function interruptedBy({ registers }: Frame, { machine, memory }: CrashedProcess): Promise<Next> {
	const stackPointer = registers.get(machine.stackPointer);
	const interrupted = stackPointer === undefined ? undefined : await interruptedAt(stackPointer, machine, memory);
	if (!interrupted) return { is: 'stopped', words: 'the frame of the signal is not in the core' };
	return { is: 'caller', ...interrupted };
}

/** By what Go says of its own code, else by call frame information; where neither does, by what a caller leaves on the stack. */
async function callerFrom(frame: Frame, module: CodeModule | undefined, stepInGo: GoSteps, process: CrashedProcess): Promise<Next> {
	const byGo = module?.go && (await stepInGo(frame, { ...module, go: module.go }));
	if (byGo) return byGo;
	const step = module?.frames && (await callerOf(frame, { frames: module.frames, bias: module.bias }, process.memory));
	if (step && step.is !== 'stopped') return step;
	if (step && step.stop.is !== 'no frame description') return { is: 'stopped', words: describeStop(step.stop, process.machine) };
	const guessed = (frame.isExact && (await callerByCall(frame, process))) || (await callerByFramePointer(frame, process));
	if (guessed) return { is: 'caller', frame: guessed };
	return { is: 'stopped', words: step ? describeStop(step.stop, process.machine) : missing(frame, module, process) };
}

function missing(frame: Frame, module: CodeModule | undefined, process: CrashedProcess): string {
	if (module) return `${module.path} has no call frame information`;
	const path = process.pathAt(codeAddress(frame));
	return path === undefined ? `${hex(frame.pc)} is in the code of no mapped file` : `${path} is not here, which describes its frames`;
}
