import { defined } from '../../../base/defined.ts';
import type { CrashKind, Culprit, Frame, Thread } from '../../../domain/report.ts';
import { classify, type Suspect } from './classify.ts';
import { rulesVersion } from './rules.ts';

export { classify, type Suspect } from './classify.ts';
export { rulesVersion } from './rules.ts';

/** A thread as a suspect. */
export type SuspectThread = Pick<Thread, 'frames'> & {
	/** The stack was cut off in the middle of its last frame. */
	readonly isCut?: true;
	/** It only handled a signal that means no harm. */
	readonly isBystander?: boolean;
};

export type Circumstances = {
	readonly kind: CrashKind;
	/** The process raised the signal itself, so that the top frame is that of the raise. */
	readonly isRaised: boolean;
	/** The address that could not be reached was that of the next instruction. */
	readonly isBadJump: boolean;
	/** Which threads may be to blame besides the first. */
	readonly among: 'all' | 'those with a handler';
};

export type Verdict = {
	/** Which of the threads. */
	readonly thread: number;
	readonly culprit: Culprit;
	/** Normalised names from the culprit on, without noise: what tells this crash from others. */
	readonly path: readonly Suspect[];
};

/**
 * The frame that an engineer would blame, and the thread that it is in.
 *
 * A core's current thread comes first, then one with a signal's handler in its stack; of a log, those that were written first.
 *
 * @param threads the likeliest first
 */
export function judge(threads: readonly SuspectThread[], circumstances: Circumstances): Verdict | undefined {
	for (const [thread, one] of threads.entries()) {
		const suspects = suspectsOf(one);
		if (thread > 0 && one.isBystander) continue;
		if (thread > 0 && circumstances.among !== 'all' && !suspects.some(({ is }) => is === 'trampoline' || is === 'panic')) continue;
		const verdict = verdictOf(suspects, circumstances);
		if (verdict) return { thread, ...verdict };
	}
	return undefined;
}

/** Where only a thread's program counter is known. In the C library it is the same for every abort. */
export function culpritByCounter(frame: Frame): Omit<Verdict, 'thread'> | undefined {
	const { name, is } = classify(frame);
	if (frame.module === undefined || is === 'noise') return undefined;
	return {
		culprit: { ...placeOf(frame), rule: 'program counter', rules: rulesVersion, confidence: 'low' },
		path: [{ frame, name, is }],
	};
}

function suspectsOf({ frames, isCut }: SuspectThread): readonly Suspect[] {
	const last = frames.at(-1);
	// A name that may be cut in its middle is not a name. One that could be demangled is whole.
	const isWhole = !isCut || last?.file !== undefined || /\)(?: const)?$/.test(last?.function ?? '');
	return (isWhole ? frames : frames.slice(0, -1)).map(classify);
}

function verdictOf(suspects: readonly Suspect[], circumstances: Circumstances): Omit<Verdict, 'thread'> | undefined {
	const { rest, cut } = behindTheFault(suspects, circumstances);
	if (rest[0]?.is === 'idle') return undefined;
	const choice = chosen(rest, circumstances);
	if (!choice) return undefined;
	const { at, rule, confidence } = choice;
	const { frame } = rest[at] as Suspect;
	const isCaught = suspects.some(({ name }) => /^__(?:stack_chk|fortify)_fail|_chk_fail$/.test(name));
	const isDoubtful = (circumstances.kind === 'heap corruption' && !isCaught) || rest.slice(0, at).some(({ is }) => is === 'allocator');
	return {
		culprit: {
			...placeOf(frame),
			rule: isDoubtful ? 'victim of a damaged heap' : cut === undefined ? (at === 0 ? 'top frame' : rule) : `${rule}, behind ${cut}`,
			rules: rulesVersion,
			confidence:
				isDoubtful || cut === 'code without a name'
					? 'low'
					: circumstances.kind === 'deliberate exit' && confidence === 'high'
						? 'medium'
						: frame.function === undefined && confidence === 'high'
							? 'medium'
							: confidence,
		},
		path: rest.slice(at).filter((suspect) => isPlaced(suspect) && !['noise', 'root', 'standard', 'death'].includes(suspect.is)),
	};
}

const placeOf = ({ function: name, module, offset, file, line }: Frame) => defined({ function: name, module, offset, file, line });

/** What was cut off above the frames that may be to blame. */
type Cut = 'a panic' | 'a signal handler' | 'the end of the process' | 'a bad jump' | 'code without a name' | undefined;

/** The frames behind the innermost fault: past the last trampoline or panic, then past what only ends the process. */
function behindTheFault(
	suspects: readonly Suspect[],
	{ isRaised, isBadJump }: Circumstances,
): { readonly rest: readonly Suspect[]; readonly cut: Cut } {
	const fault = suspects.findLastIndex(({ is }) => is === 'trampoline' || is === 'panic');
	let rest = suspects.slice(fault + 1);
	let cut: Cut = fault < 0 ? undefined : suspects[fault]?.is === 'panic' ? 'a panic' : 'a signal handler';
	const death = lastOfTheEnd(rest);
	if (death >= 0) {
		rest = rest.slice(death + 1);
		cut = 'the end of the process';
	} else if (fault < 0 && isRaised && rest[0]?.name === '') {
		rest = rest.slice(1);
		cut = 'the end of the process';
	}
	const landed = rest.findIndex(isPlaced);
	if (landed <= 0) return { rest: landed < 0 ? [] : rest, cut };
	return { rest: rest.slice(landed), cut: cut ?? (isBadJump ? 'a bad jump' : 'code without a name') };
}

/** Anything but a bare address says where it is. */
const isPlaced = ({ name, frame }: Suspect) => name !== '' || frame.module !== undefined || frame.file !== undefined;

/** The last frame that ends the process, among those before the first that may be to blame. */
function lastOfTheEnd(suspects: readonly Suspect[]): number {
	const isPassed = ({ is, name, frame }: Suspect) =>
		['noise', 'standard', 'death', 'allocator', 'idle'].includes(is) || (name === '' && frame.module === undefined);
	const first = suspects.findIndex((suspect) => !isPassed(suspect));
	return suspects.slice(0, first < 0 ? suspects.length : first).findLastIndex(({ is }) => is === 'death');
}

type Choice = { readonly at: number; readonly rule: string; readonly confidence: Culprit['confidence'] };

/** The first of the program's own; else the next best. */
function chosen(suspects: readonly Suspect[], { kind }: Circumstances): Choice | undefined {
	const find = (fits: (suspect: Suspect) => boolean) => suspects.findIndex(fits);
	const stub = find(({ is }) => is !== 'noise');
	// Of an exception or an assertion the words tell more than a stub.
	const hasWords = kind === 'exception' || kind === 'assertion';
	if (suspects[stub]?.is === 'stub') return { at: stub, rule: 'C code called from Go', confidence: hasWords ? 'low' : 'medium' };
	const own = find(({ is }) => is === 'own');
	if (own >= 0) {
		const isNear = suspects.slice(0, own).every(({ is }) => is !== 'other' && is !== 'plumbing');
		return { at: outermostInlined(suspects, own, 'own'), rule: 'first of the program', confidence: isNear ? 'high' : 'medium' };
	}
	// Behind a bare address a debugger may only have guessed.
	const lost = find((suspect) => !isPlaced(suspect));
	const other = suspects.findIndex((one, at) => one.is === 'other' && isPlaced(one) && (one.name !== '' || lost < 0 || at < lost));
	if (other >= 0) return { at: outermostInlined(suspects, other, 'other'), rule: 'first of the program', confidence: 'high' };
	const plumbing = find(({ is }) => is === 'plumbing');
	if (plumbing >= 0) return { at: plumbing, rule: 'library that carries calls', confidence: 'low' };
	const standard = find(({ is, frame }) => is === 'standard' && namesOwn(frame));
	if (standard >= 0) return { at: standard, rule: 'standard library on a type of the program', confidence: 'low' };
	const placed = find(({ is, name, frame }) => name === '' && is !== 'noise' && frame.file !== undefined);
	if (placed >= 0) return { at: placed, rule: 'source line without a name', confidence: 'low' };
	const main = find(({ name, frame }) => name === 'main' && frame.file !== undefined);
	return main < 0 ? undefined : { at: main, rule: 'first of the program', confidence: 'high' };
}

/**
 * Frames with one program counter are one call with what was inlined into it: the outermost is the function that exists. Go's own
 * tracebacks tell functions that were inlined without a counter, as if they had been called.
 */
function outermostInlined(suspects: readonly Suspect[], at: number, is: Suspect['is']): number {
	const { frame, name } = suspects[at] as Suspect;
	const { pc } = frame;
	if (pc === undefined || pc === '0x0' || (!name.includes('::') && /\w\.[(\w]/.test(name))) return at;
	let last = at;
	for (let index = at + 1; suspects[index]?.frame.pc === pc; index++) if (suspects[index]?.is === is) last = index;
	return last;
}

/** `std::default_delete<milvus::…>`: the template's arguments say whose it is. */
const namesOwn = ({ function: name }: Frame) =>
	name !== undefined && /\b(?:milvus|knowhere|faiss)::/.test(name.slice(name.indexOf('<') + 1)) && name.includes('<');
