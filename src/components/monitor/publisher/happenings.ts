import type { Tally, TallySort } from '../../../domain/outbox.ts';
import type { Association, CrashReport } from '../../../domain/report.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import { type KubernetesObject, resource } from '../../../drivers/kubernetes/kubernetes.ts';
import { eventOf, type KubernetesEvent, type Reason, type Told } from './event.ts';
import { owners, type Subject } from './owner.ts';
import { passes, type Tell, untilSignal } from './passes.ts';
import type { PublisherDeps } from './publisher.ts';
import { isOfEndingNamespace, isOfObject, isOfRights, problemOf } from './refusals.ts';

export type HappeningOptions = {
	readonly node: string;
	/** Of crashes that are older nobody is told any more; Events do not live longer. */
	readonly tellForMs?: number;
	/** One Event is written at most so often. */
	readonly eventIntervalMs?: number;
	readonly crashLoop?: {
		/** More crashes of one instance than that, on this node, are a loop. */
		readonly moreThan: number;
		/** Within so long. */
		readonly windowMs: number;
	};
};

type Deps = PublisherDeps & { readonly write: (signal: AbortSignal) => Promise<void> };

/** That something is to be told of a pod, or of what owns it; of the newest crash. */
type Waiting = { readonly all: 'pod' | 'owner'; readonly reason: Exclude<Reason, 'CrashLoop'>; readonly id: string };

const batchSize = 100;
/** How often it is looked whether the pods are known now. */
const podsIntervalMs = 1000;
const sorts: Readonly<Record<Waiting['reason'], TallySort>> = { CrashDetected: 'crashes', CoredumpCollected: 'stored', CoreLost: 'lost' };

/** Tells of crashes in Events: of the pod, and of the custom resource or workload behind it. What happens again is counted in the same Event. */
export function happenings({ cluster, outbox, pods, telemetry, options, write, now = Date.now }: Deps) {
	const { node, tellForMs = 60 * 60_000, eventIntervalMs = 10_000, crashLoop = { moreThan: 5, windowMs: 60 * 60_000 } } = options;
	const ownerOf = owners(cluster, pods);
	/** By whom and what. */
	const waiting = new Map<string, Waiting>();
	/** Up to which change all has been taken up. */
	let upTo: number | undefined;
	/** What was told last, by the names of the Events. */
	const told = new Map<string, { readonly event: string; readonly at: EpochMs }>();

	return async (signal: AbortSignal, tell: Tell): Promise<void> =>
		untilSignal(
			async (delayed) => {
				await passes(
					outbox,
					async () => {
						const next = await pass(signal);
						delayed.reset();
						tell(undefined);
						return next;
					},
					Infinity,
					signal,
					now,
				);
			},
			(error) => tell(problemOf(error)),
			signal,
		);

	async function pass(signal: AbortSignal): Promise<EpochMs> {
		const change = await takeUp();
		let next = Infinity;
		let refusal: Error | undefined;
		for (const [key, item] of waiting) {
			try {
				const due = await tellOf(item, signal);
				next = Math.min(next, due ?? Infinity);
				if (due === undefined && waiting.get(key) === item) waiting.delete(key);
			} catch (error) {
				if (!isOfRights(error)) throw error;
				refusal = error; // perhaps in this namespace alone
			}
		}
		if (refusal) throw refusal;
		if (waiting.size === 0 && change > (await outbox.told())) await outbox.setTold(change);
		for (const [name, { at }] of told) if (now() - at > tellForMs) told.delete(name);
		return next;
	}

	/** Takes up what has changed since. @returns up to which change; what is taken up twice is told once */
	async function takeUp(): Promise<number> {
		let after = upTo ?? (await outbox.told());
		for (;;) {
			const batch = await outbox.changedSince(after, batchSize);
			for (const { id, change, time } of batch) {
				after = change;
				if (now() - time > tellForMs) continue;
				const report = await outbox.report(id);
				if (report) for (const item of itemsOf(report)) waiting.set(item.key, item);
			}
			upTo = after;
			if (batch.length < batchSize) return after;
		}
	}

	/** @returns when it may be told, where that is not now */
	async function tellOf({ all, reason, id }: Waiting, signal: AbortSignal): Promise<EpochMs | undefined> {
		const report = await outbox.report(id);
		if (!report || report.association.podUid === undefined || now() - Date.parse(report.time) > tellForMs) return undefined;
		if (!pods.isComplete) return now() + podsIntervalMs;
		const owner = await ownerOf(report.association.podUid, signal);
		const subject = all === 'pod' ? podOf(report.association) : owner;
		if (!subject) return undefined;
		const head = await outbox.publishedIn(id);
		const publishedIn = (head === undefined || head === id ? undefined : await outbox.report(head)) ?? report;
		const common = { subject: bare(subject), report, publishedIn, windowMs: crashLoop.windowMs, node };
		const tally = await tallyOf(all === 'pod' ? 'pod' : subject.isInstance ? 'instance' : 'component', report, tellForMs);
		const events = [eventOf({ ...common, reason, span: tally[sorts[reason]] })];
		// Told once: of the instance, or of the pod where that is all there is.
		if (reason === 'CrashDetected' && (all === 'owner' || !owner)) {
			const { pastStart } = await tallyOf('instance', report, crashLoop.windowMs);
			if (pastStart.count > crashLoop.moreThan) events.push(eventOf({ ...common, reason: 'CrashLoop', span: pastStart }));
		}
		const dues = await Promise.all(events.map((event) => send(event, signal)));
		return dues.reduce((one, other) => (one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)), undefined);
	}

	function tallyOf(all: 'pod' | 'component' | 'instance', { association }: CrashReport, sinceMs: number): Promise<Tally> {
		return outbox.tally({ all, of: association }, now() - sinceMs);
	}

	async function send(event: KubernetesEvent, signal: AbortSignal): Promise<EpochMs | undefined> {
		const { namespace, name } = event.metadata;
		const text = JSON.stringify(event);
		const last = told.get(name);
		if (last?.event === text) return undefined;
		if (last && now() < last.at + eventIntervalMs) return last.at + eventIntervalMs;
		await write(signal);
		try {
			// Where its namespace is not there any more, nobody misses it.
			await cluster.patch<KubernetesObject>(resource('v1', 'events', namespace, name), event, { type: 'apply' }, signal);
		} catch (error) {
			if (isOfObject(error)) telemetry.eventRefused(event.reason, error.message);
			else if (!isOfEndingNamespace(error)) throw error;
		}
		told.set(name, { event: text, at: now() });
		return undefined;
	}
}

function itemsOf(report: CrashReport): (Waiting & { readonly key: string })[] {
	const { id, status, lostCore, association } = report;
	const { namespace, pod, podUid, instance, component } = association;
	if (status === 'found' || namespace === undefined || pod === undefined || podUid === undefined) return [];
	const reasons: Waiting['reason'][] = ['CrashDetected'];
	if (status === 'stored') reasons.push('CoredumpCollected');
	if (lostCore || status === 'lost') reasons.push('CoreLost');
	return reasons.flatMap((reason) => [
		{ key: ['pod', podUid, reason].join('/'), all: 'pod' as const, reason, id },
		{ key: ['owner', namespace, instance, component, reason].join('/'), all: 'owner' as const, reason, id },
	]);
}

function podOf({ namespace, pod, podUid, container }: Association): (Subject & { readonly fieldPath?: string }) | undefined {
	if (namespace === undefined || pod === undefined || podUid === undefined) return undefined;
	const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
	return { apiVersion: 'v1', kind: 'Pod', namespace, name: pod, uid: podUid, ...fieldPath, isInstance: false };
}

const bare = ({ isInstance, ...subject }: Subject): Told['subject'] => subject;
