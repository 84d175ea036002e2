import type { Culprit, Frame, Thread } from '../../domain/report.ts';
import { bystandersOf, type CoreEvidence, coreSignalOf, faultsOf, isRaised, statementsOf, threadsOf } from './core-side.ts';
import { classify, culpritByCounter, judge, type Suspect } from './culprit/culprit.ts';
import { type Death, deathOf, decisive } from './death.ts';
import type { KnownIssueEntry } from './knownissues/knownissues.ts';
import { type LogEvidence, suspectStacks, threadOf } from './log-side.ts';
import type { Stacks } from './stacks.ts';
import { culpritByWords } from './words.ts';

/** What is known of a crash by stacks and words, whoever told them. */
export type Suspicion = {
	readonly death: Death;
	/** The crashed one first. */
	readonly threads: readonly Thread[];
	/** Whose stack the crashed thread's is. */
	readonly stack: Stacks['by'] | 'log' | 'none';
	readonly culprit: Culprit | null;
	/** The culprit and those that called it, without noise. Empty where the culprit is in no stack. */
	readonly path: readonly Suspect[];
};

type Candidate = {
	readonly stack?: 'core' | 'log';
	readonly thread?: number;
	readonly culprit: Culprit;
	readonly path: readonly Suspect[];
};

/** Weighs the stacks of the core, those of the log and the process's own words: the surer culprit counts; where two are as sure, the earlier in this order. */
export function suspicionOf(
	core: CoreEvidence | undefined,
	log: LogEvidence | undefined,
	knownIssues: readonly KnownIssueEntry[],
): Suspicion {
	const told = log?.trace.statements ?? [];
	const suspects = log ? suspectStacks(log.trace, decisive(told)) : [];
	const inCore = core ? threadsOf(core) : [];
	const inLog = suspects.map(threadOf);
	const death = deathOf({
		coreSignal: core ? coreSignalOf(core) : null,
		faults: core ? faultsOf(core) : [],
		statements: [...told, ...(core ? statementsOf(core) : [])],
		frames: (core?.stacks ? inCore[0]?.frames : undefined) ?? inLog.flatMap(({ frames }) => frames),
		pid: core?.corefile.process?.pid,
	});
	const { kind, signal } = death;
	const isBadJump = signal?.address !== undefined && signal.address === (core?.stacks ? inCore : inLog)[0]?.frames[0]?.pc;
	const bystanders = core ? bystandersOf(core) : new Set();
	const suspectsInCore = inCore.map((thread) => ({ ...thread, isBystander: bystanders.has(thread.id) }));
	const byCore = core?.stacks && judge(suspectsInCore, { kind, isRaised: isRaised(core), isBadJump, among: 'those with a handler' });
	const byLog = judge(inLog, { kind, isRaised: false, isBadJump, among: 'all' });
	const [counter] = core && !core.stacks ? (inCore[0]?.frames ?? []) : [];
	const best = surest([
		byCore && { stack: 'core', ...byCore, culprit: asSureAsItsModule(byCore.culprit, core) },
		byLog && { stack: 'log', ...byLog },
		culpritByWords(death.statement, knownIssues),
		counter && culpritByCounter(counter),
	]);
	const side = best?.stack ?? (core?.stacks ? 'core' : inLog.length > 0 ? 'log' : 'none');
	const stack = side === 'core' ? (core?.stacks?.by ?? 'none') : side;
	const threads =
		side === 'log'
			? [...crashedFirst(inLog, best?.thread), ...inCore.map(asBystander)]
			: crashedFirst(inCore, best?.stack === 'core' ? best.thread : 0);
	return { death, threads, stack, culprit: best?.culprit ?? null, path: best?.path ?? [] };
}

/** A file that could not be compared with the core may be another build, whose names and lines say something else. */
function asSureAsItsModule(culprit: Culprit, { modules }: CoreEvidence): Culprit {
	const isUnverified = modules.some(({ module }) => module.path === culprit.module && module.file === 'unverified');
	return isUnverified && culprit.confidence === 'high' ? { ...culprit, confidence: 'medium' } : culprit;
}

const confidences = ['low', 'medium', 'high'] as const;

/** Of two that are as sure, a name tells more than a place. */
const sureness = ({ culprit: { confidence, function: name } }: Candidate) =>
	2 * confidences.indexOf(confidence) + (name === undefined ? 0 : 1);

function surest(candidates: readonly (Candidate | undefined)[]): Candidate | undefined {
	return candidates
		.filter((one) => one !== undefined)
		.reduce<Candidate | undefined>((best, one) => (best && sureness(best) >= sureness(one) ? best : one), undefined);
}

function crashedFirst(threads: readonly Thread[], crashed = 0): Thread[] {
	const first = threads[crashed];
	if (!first) return [];
	return [
		{ ...first, frames: first.frames.map(withMark), crashed: true },
		...threads.filter((thread) => thread !== first).map(asBystander),
	];
}

const neverToBlame: readonly Suspect['is'][] = ['death', 'noise', 'root', 'trampoline', 'panic', 'idle'];

const withMark = (frame: Frame): Frame => (neverToBlame.includes(classify(frame).is) ? { ...frame, noise: true } : frame);

const asBystander = (thread: Thread): Thread => ({ ...thread, crashed: false });
