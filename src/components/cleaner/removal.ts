import type { SavedAt } from '../../domain/cleanup-object/cleanup-object.ts';
import { plurals } from '../../domain/saved-instance.ts';
import type { Helm } from '../../drivers/helm/helm.ts';
import { KubernetesRefused, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { attemptOf, failedAttempt, nextAttempt } from './attempt.ts';
import { type About, carryOut } from './carry-out.ts';
import type { InstanceContents } from './contents/contents.ts';
import { type DecideOptions, decide } from './decide.ts';
import { nextTryAfter } from './decide-removal.ts';
import { NotSaved, save } from './saved/saved.ts';
import type { Seen } from './see.ts';
import type { Stored } from './stored.ts';
import { nameOf, turn } from './turn.ts';

export type Removing = Omit<About, 'stored'> & {
	readonly stored: Stored;
	/** Reads anew all that the decision was made of. */
	readonly again: (stored: Stored) => Promise<Seen>;
	readonly helm: Pick<Helm, 'uninstall'>;
	/** The namespace that what is removed is saved in. */
	readonly into: string;
	readonly options: DecideOptions & About['options'];
};

/**
 * Removes an instance: one of those who want to wins it, decides once more of what is there now, saves it, and only then acts. Whoever has taken over meanwhile
 * has written, and is noticed by the last write before the act; what can happen between that and the act, decision 018 tells.
 */
export async function remove(why: string, about: Removing, signal: AbortSignal): Promise<void> {
	const { stored, by, telemetry } = about;
	const won = await turn(about, stored, { phase: 'Running', why, removal: nextAttempt(stored.status?.removal, by, Date.now()) }, signal);
	if (!won) return;
	const isTimely = withinPause();
	const { sight, findings, found, remark } = await about.again(won);
	const next = decide(stored, sight, about.options, Date.now());
	const now = { ...about, findings };
	if (next.is === 'nothing') return;
	const giveBack = async (from: Stored, because: string) => {
		const { removal } = stored.status ?? {};
		await turn(now, from, { phase: stored.phase, why: because, ...(removal && { removal }) }, signal);
	};
	if (next.is === 'kept') return giveBack(won, next.why);
	if (next.is !== 'remove') return carryOut(next, { ...now, stored: { ...won, phase: stored.phase } }, signal);

	const kept = sight.left?.is === 'half' ? savedBefore(stored) : await saveFirst(won, found, about, signal);
	if (kept.is === 'failed') return void (await fail(now, won, kept.words, signal));
	const saved = kept.at;
	if (!isTimely()) return giveBack(won, tooLate);
	const told = remark === undefined ? next.why : `${next.why}; ${remark}`;
	const removal = { ...attemptOf(won.status?.removal, by, Date.now()), actedAt: new Date().toISOString() };
	const acting = await turn(now, won, { phase: 'Running', why: told, removal, saved }, signal);
	if (!acting) return;
	if (!isTimely()) return giveBack(acting, tooLate);

	const audited = {
		...stored.instance,
		by,
		why: acting.status?.reason ?? why,
		evidence: evidenceOf(acting),
		saved,
		target: stored.spec.target,
	};
	telemetry.removalBegins(nameOf(stored), audited);
	const { is, words } = await act(acting, now, signal);
	telemetry.removalEnds(nameOf(stored), { ...audited, is, words });
	if (is === 'failed') await fail(now, acting, words, signal);
	else await turn(now, acting, { phase: 'Running', why: told, removal: { ...removal, words } }, signal);
}

/** What was looked at longer ago is not acted on: this process may have stood still. */
const longestPauseMs = 30_000;
const tooLate = 'it took too long since it was looked at';

function withinPause(): () => boolean {
	const since = performance.now();
	return () => performance.now() - since < longestPauseMs;
}

const evidenceOf = ({ status }: Stored): readonly string[] => status?.restarts.reports.map(({ name }) => name) ?? [];

type Saved = { readonly is: 'saved'; readonly at: SavedAt } | { readonly is: 'failed'; readonly words: string };

/** What is half gone can't be saved any more; and where nothing was, it was not begun from here. */
function savedBefore({ status }: Stored): Saved {
	const { saved: at } = status ?? {};
	return at ? { is: 'saved', at } : { is: 'failed', words: 'somebody else has begun to remove it: nothing was saved from here' };
}

async function saveFirst(
	stored: Stored,
	found: InstanceContents | undefined,
	{ cluster, into }: Removing,
	signal: AbortSignal,
): Promise<Saved> {
	if (!found) return { is: 'failed', words: 'what would be removed is not known' };
	const { target } = stored.spec;
	if (found.resource && found.resource.uid !== target.uid)
		return { is: 'failed', words: `${target.kind} ${target.name} (uid ${target.uid}) is not what would be removed now` };
	try {
		const { namespace, name, instance } = stored;
		const { at, ...secret } = await save(cluster, { into, cleanup: { namespace, name }, instance, found }, signal);
		return { is: 'saved', at: { ...secret, at: new Date(at).toISOString() } };
	} catch (error) {
		if (!(error instanceof NotSaved)) throw error;
		return { is: 'failed', words: error.message };
	}
}

/** Helm deletes what the release consists of, the operator what belongs to the custom resource. Neither pods nor workloads are touched from here. */
async function act({ instance, spec: { target } }: Stored, { helm, cluster, options }: Removing, signal: AbortSignal) {
	const { namespace, name, kind } = instance;
	if (kind === 'helm') return helm.uninstall({ namespace, release: name, timeoutMs: options.timeoutMs }, signal);
	const plural = plurals[target.kind === 'MilvusCluster' ? 'MilvusCluster' : 'Milvus'];
	const what = `${target.kind} ${target.name} (uid ${target.uid})`;
	try {
		const removed = await cluster.remove(resource(target.apiVersion, plural, namespace, target.name), { uid: target.uid }, signal);
		if (removed.is === 'conflict')
			return { is: 'failed', words: `there is another ${target.kind} of that name now: ${removed.reason}` } as const;
		return { is: 'done', words: removed.is === 'done' ? `${what} is deleted` : `${what} was gone already` } as const;
	} catch (error) {
		if (!(error instanceof KubernetesRefused)) throw error;
		return { is: 'failed', words: `can't delete ${what}: ${error.message}` } as const;
	}
}

async function fail(about: Removing, stored: Stored, words: string, signal: AbortSignal): Promise<void> {
	const now = Date.now();
	const attempt = attemptOf(stored.status?.removal, about.by, now);
	const removal = failedAttempt(attempt, words, nextTryAfter(attempt.attempts, now));
	await turn(about, stored, { phase: 'Failed', why: words, removal }, signal);
}
