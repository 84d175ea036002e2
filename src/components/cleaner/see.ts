import type { Target } from '../../domain/cleanup-object/cleanup-object.ts';
import type { Cluster } from '../../drivers/kubernetes/kubernetes.ts';
import { overBudget } from './budget.ts';
import type { InstanceContents } from './contents/contents.ts';
import type { Sight } from './decide.ts';
import { evidenceOf, longestWaitMs } from './evidence.ts';
import { leftOf } from './left.ts';
import type { Look } from './look.ts';
import { recordVetoes } from './record-vetoes.ts';
import type { Findings } from './status.ts';
import type { Stored } from './stored.ts';
import { strangersIn } from './strangers.ts';
import { type Suspect, sceneOf } from './suspects.ts';
import { isThere } from './target.ts';
import { contentsOf } from './told.ts';
import { standingVetoesOf } from './vetoes.ts';
import type { Watching } from './watch.ts';

export type SeeOptions = {
	/** Whether what is found in a namespace is removed; in words, for people, in `enforcement`. */
	readonly isEnforced: (namespace: string) => boolean;
	readonly enforcement: (namespace: string) => string;
	readonly allowVolumeLoss: boolean;
	readonly maxCleanupsPerHour: number;
};

export type Scenery = {
	readonly cluster: Cluster;
	readonly looked: Look;
	/** All of the cluster. */
	readonly decisions: readonly Stored[];
	readonly storm: string | undefined;
	/** What goes with the instance, and what stays. */
	readonly contents: () => Promise<InstanceContents>;
	readonly watched: Watching;
	readonly options: SeeOptions;
	readonly signal: AbortSignal;
};

export type Seen = {
	readonly sight: Sight;
	readonly findings: Findings;
	/** Of one that is whole. */
	readonly found?: InstanceContents;
	/** What is to be said of it though it holds nothing up. */
	readonly remark?: string;
};

/** How an instance is at this moment, for what is to be decided about it. @param stored undefined: nothing is decided yet */
export async function see(suspect: Suspect, stored: Stored | undefined, target: Target, scenery: Scenery): Promise<Seen> {
	const { instance, crashes, now, count, support, isOver, isCrashing, open } = suspect;
	const { cluster, looked, options, signal } = scenery;
	const isEnforced = options.isEnforced(instance.namespace);
	const told = { count, support, enforcement: options.enforcement(instance.namespace) };
	const sight = { isOver, isCrashing, isEnforced, isGone: !isThere(target, now), vetoes: [], waits: [] };

	const isBegun = stored?.phase === 'Running' || stored?.phase === 'Failed';
	const left = isBegun ? await leftOf(cluster, stored, now, signal) : undefined;
	if (isBegun && left && left.is !== 'all') {
		const vetoes = left.is === 'half' ? standingVetoesOf(await sceneOf(now, stored, looked)) : [];
		const asBefore = { contents: stored.status?.contents ?? notAsked, ...(stored.status && { restarts: stored.status.restarts }) };
		return { sight: { ...sight, left, vetoes }, findings: { ...told, ...asBefore } };
	}
	const own = stored && open.get(stored);
	if (!own && !(isOver && isCrashing)) return { sight, findings: { ...told, contents: stored?.status?.contents ?? notAsked } };

	const found = await scenery.contents();
	const vetoes = own ? [...own, ...(await othersOf(suspect, isBegun, found, scenery))] : [];
	const evidence = own && isEnforced ? evidenceOf(crashes, spanUntil(stored), Date.now(), { waitMs: longestWaitMs }) : {};
	const waits = own && isEnforced ? [...(evidence.waits === undefined ? [] : [evidence.waits]), ...waitsOf(stored, scenery)] : [];
	return {
		sight: { ...sight, ...(left && { left }), vetoes, waits },
		findings: { ...told, contents: contentsOf(found.contents, count.reports) },
		found,
		...(evidence.gaveUp !== undefined && { remark: evidence.gaveUp }),
	};
}

const notAsked = { is: 'unknown', reason: 'contents unknown: not asked for' } as const;

/** What speaks against it, and is not seen in its pods. */
async function othersOf(
	{ instance, now }: Suspect,
	hasBegun: boolean,
	found: InstanceContents,
	{ looked, storm, options }: Scenery,
): Promise<string[]> {
	const isEnforced = options.isEnforced(instance.namespace);
	const vetoes = recordVetoes(found, { allowVolumeLoss: options.allowVolumeLoss, isEnforced, hasBegun });
	// It has pods, and there is nothing by which it could be removed: Helm may keep its records elsewhere.
	const { contents, isGone } = found;
	const nowhere = isEnforced && isGone && now.pods.length > 0 && contents.is === 'unknown' ? contents.reason : undefined;
	const operator = instance.kind === 'operator' ? await looked.operator() : undefined;
	return [...vetoes, ...[strangersIn(found, now), nowhere, operator, storm].filter((one) => one !== undefined)];
}

function waitsOf(stored: Stored, { decisions, watched, options }: Scenery): string[] {
	const budget = overBudget(decisions, stored, options.maxCleanupsPerHour, Date.now());
	return [watched.waitsFor(stored), budget].filter((one) => one !== undefined);
}

/** What happens after it is due is not waited for: an instance that does nothing but crash always has a core that is not stored yet. */
const spanUntil = ({ dueAt, spec }: Stored) => ({ since: Date.parse(spec.decidedAt) - spec.windowSeconds * 1000, until: dueAt });
