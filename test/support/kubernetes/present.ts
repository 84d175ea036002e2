import { expect } from 'vitest';
import type { ObjectName } from '../../../src/domain/contents.ts';
import { type ApiError, pathOf, type Stored } from './api.ts';
import type { Cluster } from './cluster.ts';

const kinds = 'deployments,statefulsets,services,configmaps,secrets,persistentvolumeclaims,milvuses,milvusclusters';

/** What there is in a namespace, but for what Kubernetes itself makes in each, sorted: `ConfigMap a-milvus`. */
export async function presentIn(cluster: Cluster, namespace: string, of = kinds): Promise<string[]> {
	const { items } = JSON.parse(await cluster.kubectl('-n', namespace, 'get', of, '-o', 'json')) as { readonly items: readonly Stored[] };
	return inWords(items.map(({ kind, metadata }) => ({ kind, name: metadata.name }))).filter((one) => one !== 'ConfigMap kube-root-ca.crt');
}

export const inWords = (objects: readonly Pick<ObjectName, 'kind' | 'name'>[]): string[] =>
	objects.map(({ kind, name }) => `${kind} ${name}`).toSorted();

export async function isPresent(cluster: Cluster, { apiVersion, kind, name, namespace }: ObjectName): Promise<boolean> {
	try {
		await cluster.call('GET', pathOf({ apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } }));
		return true;
	} catch (error) {
		if ((error as ApiError).status === 404) return false;
		throw error;
	}
}

/** Waits until a namespace has become exactly so. Kubernetes looks for new kinds of objects whose owners go every 30 s only. */
export async function becomes(cluster: Cluster, namespace: string, expected: readonly string[]): Promise<void> {
	await expect.poll(() => presentIn(cluster, namespace), { timeout: 120_000 }).toEqual(expected);
}
