import { isDeepStrictEqual } from 'node:util';
import { labels, manager } from '../../../domain/crash-object/crash-object.ts';
import type { Instance } from '../../../domain/pod.ts';
import { metadataOfSaved, mostBytes, restoreKey, savedName, savedOf, secretType } from '../../../domain/saved-instance.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import {
	type Cluster,
	isKubernetesError,
	KubernetesRefused,
	KubernetesUnavailable,
	resource,
	type Secret,
	withoutQuotes,
} from '../../../drivers/kubernetes/kubernetes.ts';
import type { InstanceContents } from '../contents/contents.ts';
import { objectAt } from '../contents/listing.ts';
import { NotSaved } from './not-saved.ts';
import { type Source, sourceIn } from './source.ts';

export { NotSaved } from './not-saved.ts';
export { sweepSaved } from './sweep.ts';

export type ToSave = {
	/** The agent's own namespace. */
	readonly into: string;
	readonly cleanup: { readonly namespace: string; readonly name: string };
	readonly instance: Instance;
	/** What is to go; what is saved must be just that still. */
	readonly found: InstanceContents;
};

/**
 * Saves what brings an instance back: the newest record of its Helm release, or its custom resource. The same twice is one Secret, and what was
 * saved stays as it was once the removal has begun.
 *
 * @returns the Secret
 * @throws {NotSaved}
 * @throws {KubernetesUnavailable}
 */
export async function save(
	cluster: Cluster,
	{ into, cleanup, instance, found }: ToSave,
	signal: AbortSignal,
	now: EpochMs = Date.now(),
): Promise<{ readonly namespace: string; readonly name: string; readonly at: EpochMs }> {
	const source = await sourceIn(cluster, found, signal);
	const place = { namespace: into, name: savedName(instance, source.uid) };
	const before = await secretAt(cluster, place, signal);
	if (before && !isOurs(before)) throw new NotSaved(`there is another Secret ${place.name} in namespace ${into}`);
	if (source.isEnding) {
		if (before && savedOf(before.metadata)?.source.uid === source.uid) return resultOf(before, now);
		throw new NotSaved(`${source.what} is being removed already, and was not saved before`);
	}
	const wanted = secretOf(source, { ...place, instance, cleanup, savedAt: now });
	if (before && isSame(before, wanted)) return resultOf(before, now);
	return resultOf(await write(cluster, wanted, before, signal), now);
}

type Place = { readonly namespace: string; readonly name: string };
type About = Place & { readonly instance: Instance; readonly cleanup: Place; readonly savedAt: EpochMs };

const collection = { group: 'v1', plural: 'secrets' };

const secretAt = (cluster: Cluster, place: Place, signal: AbortSignal) =>
	NotSaved.unlessAllowed(() => objectAt<Secret>(cluster, collection, place, signal));

const isOurs = ({ type, metadata }: Secret) => type === secretType && metadata.labels?.[labels.managedBy] === manager;

const resultOf = ({ metadata: { namespace = '', name, annotations = {} } }: Secret, now: EpochMs) => ({
	...{ namespace, name },
	at: savedOf({ namespace, name, annotations })?.savedAt ?? now,
});

function secretOf({ uid, resourceVersion, restores, manifest, what }: Source, about: About) {
	const content = Buffer.from(`${JSON.stringify(manifest, undefined, '\t')}\n`);
	if (content.length > mostBytes)
		throw new NotSaved(`${what} is too large: ${content.length} bytes, and a Secret holds ${mostBytes} of them`);
	return {
		...{ apiVersion: 'v1', kind: 'Secret', type: secretType },
		metadata: metadataOfSaved({ ...about, source: { uid, resourceVersion }, restores }),
		data: { [restoreKey]: content.toString('base64') },
	};
}
type Wanted = ReturnType<typeof secretOf>;

/** But for when it was saved. */
function isSame({ metadata, data }: Secret, wanted: Wanted): boolean {
	const told = (saved: Pick<Secret, 'metadata'> | Wanted) => ({ ...savedOf(saved.metadata), savedAt: 0 });
	return isDeepStrictEqual(data, wanted.data) && isDeepStrictEqual(told({ metadata }), told(wanted));
}

async function write(cluster: Cluster, wanted: Wanted, before: Secret | undefined, signal: AbortSignal): Promise<Secret> {
	const { namespace, name } = wanted.metadata;
	const { resourceVersion } = before?.metadata ?? {};
	const { group, plural } = collection;
	const answer = await (before
		? cluster.replace<Secret>(
				resource(group, plural, namespace, name),
				{ ...wanted, metadata: { ...wanted.metadata, resourceVersion } },
				{},
				signal,
			)
		: cluster.create<Secret>(resource(group, plural, namespace), wanted, signal)
	).catch((error) => {
		throw told(error, `Secret ${name} in namespace ${namespace} can't be written`);
	});
	if (answer.is !== 'done') throw new NotSaved(`somebody else has just written Secret ${name} in namespace ${namespace}`);
	const { object } = answer;
	if (!isOurs(object) || !isSame(object, wanted))
		throw new NotSaved(`Secret ${name} in namespace ${namespace} is not as it was written: something changes what is written there`);
	return object;
}

/** Without the cause: its words may quote what was written, and causes are logged. */
function told(error: unknown, what: string): unknown {
	if (!isKubernetesError(error)) return error;
	const words = `${what}: ${withoutQuotes(error)}`;
	return error instanceof KubernetesRefused ? new NotSaved(words) : new KubernetesUnavailable(words, { retryAfterMs: error.retryAfterMs });
}
