import type { History } from './cleanup-history.ts';
import { type Entry, mistaken, type Truth } from './log.ts';
import { minute, rules, second } from './plan.ts';
import { staying } from './staying.ts';

/** Where a history is not as the rule has it. */
export function* faults(history: History): Generator<string> {
	for (const rule of [removals, acts, phases, halves, staying]) for (const fault of rule(history)) yield fault;
}

/** What is removed met all conditions when it was looked at for the last time, had its time, and nobody else has written since it was won. */
function* removals({ log }: History): Generator<string> {
	const cameAt = new Map<string, number>();
	const decidedAt = new Map<string, number>();
	/** Since it was won: by whom, and whether it has met the conditions at one moment from then on. */
	const won = new Map<string, { readonly by: string; meets: boolean }>();
	for (const entry of log) {
		const { at, by, uid, truth } = entry;
		if (entry.is === 'comes') cameAt.set(by, at);
		const winner = won.get(uid);
		if (winner?.by === by) winner.meets ||= mayGo(truth);
		if (entry.is !== 'write') continue;
		const { before, after } = entry;
		if (after?.dueAt !== before?.dueAt) decidedAt.set(uid, at);
		if (isFence(entry)) {
			if (winner?.by !== by) yield `${at}: ${by} acts on ${uid}, which ${winner?.by ?? 'nobody'} has won`;
			else if (!winner.meets) yield `${at}: ${by} acts on ${uid}, which does not meet all conditions`;
			const seenFor = at - Math.max(decidedAt.get(uid) ?? at, cameAt.get(by) ?? at);
			if (truth.left === 'all' && seenFor < rules.delayMs) yield `${at}: ${by} acts on ${uid}, which it has seen for ${seenFor / second} s`;
		}
		if (after?.phase === 'Running' && after.removal?.beganAt !== before?.removal?.beganAt) won.set(uid, { by, meets: false });
		else won.delete(uid);
	}
}

const mayGo = ({ isBad, isKept, isEnforced, isHeld, left }: Truth): boolean =>
	!isKept && isEnforced && (left === 'all' ? isBad && !isHeld : left === 'half');

/** The last write before the instance is touched. */
function isFence(entry: Entry): boolean {
	if (entry.is !== 'write' || entry.after?.phase !== 'Running') return false;
	const [before, after] = [entry.before?.removal, entry.after.removal];
	return after?.actedAt !== undefined && after.actedAt !== before?.actedAt && after.beganAt === before?.beganAt;
}

/** Each has announced his act before, nobody acts twice for one announcement, and of one leader no two act at once. */
function* acts({ log, leaders, kind }: History): Generator<string> {
	const lastWrite = new Map<string, Entry>();
	let acting = 0;
	for (const entry of log) {
		const { at, by, uid } = entry;
		if (entry.is === 'write') lastWrite.set(`${by} ${uid}`, entry);
		if (entry.is === 'killed' || entry.is === 'act ends') acting = 0;
		if (entry.is !== 'act') continue;
		const announced = lastWrite.get(`${by} ${uid}`);
		lastWrite.delete(`${by} ${uid}`);
		if (!announced || !isFence(announced)) yield `${at}: ${by} acts on ${uid} unannounced`;
		// Helm asks for no uid: what is exchanged between the last look and the act is removed.
		else if (entry.hits !== uid && (kind !== 'helm' || at - announced.at > 2 * minute))
			yield `${at}: ${by} acts on ${entry.hits} instead of ${uid}`;
		if (acting++ > 0 && leaders === 1) yield `${at}: two act at once on ${uid}`;
	}
}

/** What is named had its time; what is done is really gone, has stayed away, and stays done. */
function* phases({ log, kind }: History): Generator<string> {
	const decidedAt = new Map<string, number>();
	for (const entry of log) {
		if (entry.is !== 'write') continue;
		const { at, uid, before, after, truth } = entry;
		if (after?.dueAt !== before?.dueAt) decidedAt.set(uid, at);
		if (before?.phase === 'Done' && after !== undefined && after.phase !== 'Done')
			yield `${at}: ${uid} is ${after.phase} after it was done`;
		if (before?.phase === after?.phase) continue;
		if (after?.phase === 'DryRun' && at < (decidedAt.get(uid) ?? at) + rules.delayMs - longestStepMs)
			yield `${at}: ${uid} is named before it had its time`;
		const watchMs = kind === 'operator' ? rules.watchMs : 0;
		if (after?.phase === 'Done' && !(truth.goneAt !== undefined && truth.goneAt <= at - watchMs))
			yield `${at}: ${uid} is done, and was not gone for long`;
	}
}

const longestStepMs = 40 * second;

/** What Helm has begun is told of as what it is. */
function* halves({ log }: History): Generator<string> {
	const others = mistaken(log);
	for (const entry of log) {
		if (entry.is !== 'write' || entry.truth.left !== 'half' || others.has(entry.uid)) continue;
		const { at, uid, before, after } = entry;
		if (after?.phase === before?.phase) continue;
		if (after?.phase !== 'Running' && after?.phase !== 'Failed') yield `${at}: ${uid} is ${after?.phase}, and half of it is removed`;
	}
}
