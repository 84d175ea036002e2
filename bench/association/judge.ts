import type { Association } from '../../src/domain/report.ts';
import type { SimulatedNode, TrueEnd, Truth } from './node.ts';

/** What the agent made of one crash. */
export type Judged = {
	readonly node: string;
	readonly truth: Truth;
	readonly verdict: Verdict;
	readonly association: Association | undefined;
	/** Whether core and end are in one report, and in no other's; undefined where there are not both, or nothing tells that they belong together. */
	readonly areTogether: boolean | undefined;
};

export type Verdict =
	/** The right pod. */
	| 'right'
	/** None, and nothing would have told which. */
	| 'none, rightly'
	/** Not told of, as it is not Milvus'. */
	| 'left alone, rightly'
	| 'none, though known'
	| 'wrong pod'
	/** Of Milvus, and not told of; or not of Milvus, and told of. */
	| 'missed'
	| 'told in vain';

export const isRight = ({ verdict }: Judged) => verdict === 'right' || verdict === 'none, rightly' || verdict === 'left alone, rightly';

/** Container runtimes notice the end of a process within this time. */
const lateMs = 10_000;

export function judge(node: SimulatedNode): Judged[] {
	return node.truths.map((truth) => {
		const { association, verdict } = verdictOn(truth, node);
		return { node: node.world.node, truth, association, verdict, areTogether: verdict === 'right' ? togetherness(truth, node) : undefined };
	});
}

function verdictOn(truth: Truth, node: SimulatedNode): Pick<Judged, 'verdict' | 'association'> {
	const association = reportOf(truth, node)?.association;
	if (!truth.isOfMilvus) return { association, verdict: association ? 'told in vain' : 'left alone, rightly' };
	if (!association) return { association, verdict: wasUnheard(truth, node) ? 'left alone, rightly' : 'missed' };
	if (association.podUid === truth.pod?.uid) return { association, verdict: 'right' };
	if (association.podUid !== undefined) return { association, verdict: 'wrong pod' };
	return { association, verdict: isDecidable(truth, node) ? 'none, though known' : 'none, rightly' };
}

function reportOf({ core, end }: Truth, { world: { view } }: SimulatedNode) {
	if (core) return view.report(view.correlation(core.key)?.body.crash ?? '');
	return end && view.report(view.correlationWith(end.key)?.body.crash ?? end.key);
}

/** An end without a core, of which the kubelet showed the next one by the time that the agent looked again. */
const wasUnheard = ({ core, end }: Truth, { world: { view } }: SimulatedNode) =>
	!core && end !== undefined && !view.restartsSince(0).some(({ key }) => key === end.key);

function togetherness({ core, end, pod }: Truth, { world: { view } }: SimulatedNode): boolean | undefined {
	const isSeen = end !== undefined && view.restartsSince(0).some(({ key }) => key === end.key);
	if (!core) return isSeen ? view.correlationWith(end.key) === undefined : undefined;
	const given = view.correlation(core.key)?.body.restart ?? null;
	if (!end) return given === null;
	return isSeen && pod
		? given === end.key && (view.report(end.key) !== undefined) === (view.correlation(core.key)?.body.crash === end.key)
		: given === null
			? undefined
			: false;
}

/**
 * Whether what the agent could know tells the pod: only one pod that fits by host name and namespace had a container that ended in this way
 * then, by its core; or none had, and only one of that name was there.
 */
function isDecidable({ core, diedAt, overAt, signal, pod }: Truth, node: SimulatedNode): boolean {
	if (!core || !pod) return true;
	const { host, namespace } = core;
	const isNode = host === node.world.node;
	const fitting = (one: { readonly host: string; readonly namespace: string }) =>
		(host === undefined || one.host === host) && (namespace === undefined || one.namespace === namespace);
	const ended = new Set(
		node.ends
			.filter((end) => fitting(end.pod) && isEndThen(end, diedAt, overAt, signal) && (end.isOfMilvus || host !== undefined))
			.map((end) => end.pod),
	);
	if (ended.size > 0) return ended.size === 1 && ended.has(pod);
	if (host === undefined || isNode) return false;
	return node.pods.filter((one) => fitting(one.pod) && one.from <= diedAt && one.to >= diedAt).length === 1;
}

const isEndThen = ({ startedAt, finishedAt, signal: by }: TrueEnd, diedAt: number, overAt: number, signal: number | undefined) =>
	startedAt <= diedAt && finishedAt >= diedAt && finishedAt <= overAt + lateMs && (by === signal || by === 9);
