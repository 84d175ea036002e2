import { apiVersion, type CrashObject, idIn, nodeSelector, resource } from '../../../domain/crash-object/crash-object.ts';
import type { Changed } from '../../../domain/outbox.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import { type KubernetesObject, resource as path } from '../../../drivers/kubernetes/kubernetes.ts';
import { hashAnnotation, hashOf, manifestOf, pathOf } from './manifest.ts';
import { type GrowingDelay, growingDelay, passes, type Tell, untilSignal } from './passes.ts';
import type { PublisherDeps } from './publisher.ts';
import { isOfEndingNamespace, isOfObject, isOfRights, problemOf } from './refusals.ts';

export type PublishedOptions = {
	readonly node: string;
	/** The agent's own, for crashes without a pod. */
	readonly namespace: string;
	/** Crashes that are older are not published any more. */
	readonly maxAgeMs?: number;
	/** How often what is there is looked at. */
	readonly relistMs?: number;
	/** A report that stands for many is written at most so often. */
	readonly foldedIntervalMs?: number;
};

type Deps = PublisherDeps & {
	/** Resolves when one more write may be made. */
	readonly write: (signal: AbortSignal) => Promise<void>;
};

/** What is known of an object that is there. */
type Present = { readonly hash: string | undefined; readonly generation: number | undefined; readonly statusHash?: string };

const batchSize = 50;

/**
 * Keeps the CrashReports of this node as the journal wants them. One that was published and is not there any more has been deleted, by hand or
 * by age: it comes back only when its crash changes.
 */
export function published({ cluster, outbox, telemetry, options, write, now = Date.now }: Deps) {
	const { node, namespace, maxAgeMs = 30 * 24 * 3600_000, relistMs = 10 * 60_000, foldedIntervalMs = 10_000 } = options;
	/** By their paths. */
	let present = new Map<string, Present>();
	/** Reports that are left alone until then. */
	const notBefore = new Map<string, EpochMs>();
	/** Namespaces in which the agent may not write. */
	const closed = new Map<string, { readonly delayed: GrowingDelay; until: EpochMs; readonly problem: string }>();

	return async (signal: AbortSignal, tell: Tell): Promise<void> =>
		untilSignal(
			async (delayed) => {
				await look(signal);
				notBefore.clear();
				closed.clear();
				await passes(
					outbox,
					async () => {
						const next = await pass(signal);
						delayed.reset();
						tell([...closed.values()][0]?.problem);
						return next;
					},
					now() + relistMs * (0.9 + Math.random() / 5), // not all nodes at once
					signal,
					now,
				);
			},
			(error) => tell(problemOf(error)),
			signal,
		);

	/** Sees what is there. What is another than was written is looked at anew, and what somebody has edited is written anew. */
	async function look(signal: AbortSignal): Promise<void> {
		const before = present;
		const seen = new Map<string, Present>();
		const selection = { labelSelector: nodeSelector(node), metadataOnly: true };
		for await (const { metadata } of cluster.list<KubernetesObject>(path(apiVersion, resource.plural), selection, signal)) {
			if (metadata.deletionTimestamp !== undefined) continue; // as good as gone, though its generation is another
			const at = path(apiVersion, resource.plural, metadata.namespace, metadata.name);
			const known = before.get(at);
			const is = { hash: metadata.annotations?.[hashAnnotation], generation: metadata.generation };
			const isOther = known !== undefined && known.hash !== is.hash;
			const isEdited = known?.generation !== undefined && known.generation !== is.generation && !isOther;
			if (isOther || isEdited) await outbox.setPublished(idIn(metadata.name), 0);
			seen.set(at, isEdited ? { hash: undefined, generation: undefined } : isOther ? is : { ...known, ...is });
		}
		present = seen;
	}

	/** @returns when a report is due that was left alone */
	async function pass(signal: AbortSignal): Promise<EpochMs> {
		let next = Infinity;
		for (let after = 0; ; ) {
			const batch = await outbox.unpublished(after, batchSize);
			for (const changed of batch) {
				const due = notBefore.get(changed.id) ?? 0;
				if (due <= now()) {
					notBefore.delete(changed.id);
					await publish(changed, signal);
				}
				next = Math.min(next, notBefore.get(changed.id) ?? Infinity);
				after = changed.change;
			}
			if (batch.length < batchSize || signal.aborted) return next;
		}
	}

	async function publish({ id, change }: Changed, signal: AbortSignal): Promise<void> {
		const report = await outbox.report(id);
		const repeats = await outbox.repeats(id);
		if (!report || now() - Date.parse(repeats.lastTime) > maxAgeMs) return outbox.setPublished(id, change);
		const object = manifestOf(report, repeats, { node, namespace });
		const shut = closed.get(object.metadata.namespace);
		if (shut && shut.until > now()) return void notBefore.set(id, shut.until);
		try {
			const isThere = await put(object, signal);
			closed.delete(object.metadata.namespace);
			if (!isThere) telemetry.reportHomeless(id, object.metadata.namespace);
			else if (repeats.count > 1) notBefore.set(id, now() + foldedIntervalMs);
			await outbox.setPublished(id, change);
		} catch (error) {
			if (isOfEndingNamespace(error)) {
				telemetry.reportHomeless(id, object.metadata.namespace);
				await outbox.setPublished(id, change);
			} else if (isOfRights(error)) {
				const delayed = shut?.delayed ?? growingDelay();
				const until = now() + delayed.next(error);
				closed.set(object.metadata.namespace, { delayed, until, problem: problemOf(error) });
				notBefore.set(id, until);
			} else if (isOfObject(error)) {
				telemetry.reportRefused(id, error.message);
				notBefore.set(id, now() + relistMs);
			} else throw error;
		}
	}

	/** Makes the object be as it is wanted, with as few writes as that takes. @returns whether its namespace is there */
	async function put(object: CrashObject, signal: AbortSignal): Promise<boolean> {
		const { status, ...main } = object;
		const at = pathOf(object);
		const hash = main.metadata.annotations[hashAnnotation];
		const statusHash = hashOf(status);
		for (;;) {
			const is = present.get(at);
			if (is?.hash !== hash) {
				await write(signal);
				const written = await cluster.patch<KubernetesObject>(at, main, { type: 'apply' }, signal);
				if (written.is === 'absent') return false;
				if (written.is === 'conflict') continue;
				present.set(at, { hash, generation: written.object.metadata.generation });
				telemetry.reportPublished(main.spec.id, `${main.metadata.namespace}/${main.metadata.name}`);
			} else if (is?.statusHash === statusHash) return true;
			await write(signal);
			const { apiVersion, kind, metadata } = main;
			const small = { apiVersion, kind, metadata: { namespace: metadata.namespace, name: metadata.name }, status };
			const written = await cluster.patch<KubernetesObject>(at, small, { type: 'apply', subresource: 'status' }, signal);
			if (written.is === 'done') {
				present.set(at, { ...(present.get(at) ?? { hash, generation: undefined }), statusHash });
				return true;
			}
			present.delete(at); // deleted meanwhile: as its crash has changed, it comes back
		}
	}
}
