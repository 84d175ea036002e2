import type { Contents } from '../../../domain/contents.ts';
import type { Instance } from '../../../domain/pod.ts';
import type { Cluster } from '../../../drivers/kubernetes/kubernetes.ts';
import { ReleaseRecordError } from '../../../readers/helmrelease/helmrelease.ts';
import { contentsOfRelease, type Release } from './helm-instance.ts';
import { MissingRight } from './listing.ts';
import { contentsOfResource, type Resource } from './operator-instance.ts';

export type { Release } from './helm-instance.ts';
export type { Resource } from './operator-instance.ts';

/** What there is of an instance, and what would become of it. */
export type InstanceContents = {
	readonly contents: Contents;
	/** What would be uninstalled: of an instance of Helm, whose record could be read. */
	readonly release?: Release;
	/** What would be deleted: of an instance of the operator. */
	readonly resource?: Resource;
	/** There is nothing to remove: no such custom resource, or no record of such a release; Helm can be told to keep them elsewhere. */
	readonly isGone?: true;
};

/**
 * What goes when an instance is removed, and what stays: by `helm uninstall`, or by the operator when its custom resource is deleted. Only asks.
 *
 * Without the rights to find out all of it, it is unknown.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused} not for a missing right
 */
export async function contentsOf(cluster: Cluster, instance: Instance, signal?: AbortSignal): Promise<InstanceContents> {
	const { kind, namespace, name } = instance;
	try {
		switch (kind) {
			case 'helm':
				return (
					(await contentsOfRelease(cluster, instance, signal)) ??
					gone(`there is no record of a Helm release ${name} among the Secrets of namespace ${namespace}`)
				);
			case 'operator':
				return (await contentsOfResource(cluster, instance, signal)) ?? gone(`there is no Milvus ${name} in namespace ${namespace}`);
			case 'unmanaged':
				return { contents: unknown('neither Helm nor the operator made it') };
			default:
				return kind satisfies never;
		}
	} catch (error) {
		if (error instanceof MissingRight) return { contents: unknown(error.message) };
		if (error instanceof ReleaseRecordError) return { contents: unknown(`the record of its release ${error.message}`) };
		throw error;
	}
}

const unknown = (reason: string): Contents => ({ is: 'unknown', reason: `contents unknown: ${reason}` });
const gone = (reason: string): InstanceContents => ({ contents: unknown(reason), isGone: true });
