import { objectNameOf } from './cleanup-object/cleanup-object.ts';
import { labels, labelValue, manager } from './crash-object/crash-object.ts';
import type { Instance } from './pod.ts';
import type { EpochMs } from './stage.ts';

/**
 * What brings an instance back that was removed: a Secret in the agent's own namespace, as there are passwords in it. Its key `restore.json` is a
 * manifest that `kubectl create` takes; what it is about stands in its annotations, so that it can be listed without reading it.
 */
export type SavedInstance = {
	/** Of the Secret. */
	readonly namespace: string;
	readonly name: string;
	readonly instance: Instance;
	/** The InstanceCleanup for which it was saved. */
	readonly cleanup: { readonly namespace: string; readonly name: string };
	readonly savedAt: EpochMs;
	/** What it is a copy of. */
	readonly source: { readonly uid: string; readonly resourceVersion: string };
	readonly restores: Restores;
};

/** What is created, in the instance's namespace. */
export type Restores =
	/** The record of a release: `helm rollback` to its revision makes the rest. */
	| { readonly is: 'release'; readonly release: string; readonly revision: number; readonly chart: string }
	/** A custom resource: the operator makes the rest. */
	| { readonly is: 'resource'; readonly apiVersion: string; readonly kind: keyof typeof plurals; readonly name: string };

/** The custom resources of the operator, as the API calls them. */
export const plurals = { Milvus: 'milvuses', MilvusCluster: 'milvusclusters' } as const;

export const secretType = 'diagnostics.milvus.io/saved-instance';
export const restoreKey = 'restore.json';
export const releaseType = 'helm.sh/release.v1';

/** Of all data of a Secret: MaxSecretSize in Kubernetes' pkg/apis/core/types.go. */
export const mostBytes = 1 << 20;

/** What lists them. */
export const savedSelection = { labelSelector: `${labels.managedBy}=${manager}`, fieldSelector: `type=${secretType}` } as const;

/** The same for the same copy of the same instance. @param uid of what is saved */
export const savedName = ({ name, kind }: Pick<Instance, 'name' | 'kind'>, uid: string): string =>
	`saved-${objectNameOf({ name: name.slice(0, 200), kind }, uid)}`;

export const recordName = ({ release, revision }: { readonly release: string; readonly revision: number }): string =>
	`sh.helm.release.v1.${release}.v${revision}`;

export const metadataOfSaved = ({ namespace, name, instance, cleanup, savedAt, source, restores }: SavedInstance) => ({
	...{ namespace, name },
	labels: { [labels.managedBy]: manager, [labels.instance]: labelValue(instance.name) },
	annotations: Object.fromEntries(
		Object.entries({
			'instance-namespace': instance.namespace,
			'instance-name': instance.name,
			'instance-kind': instance.kind,
			'cleanup-namespace': cleanup.namespace,
			'cleanup-name': cleanup.name,
			'saved-at': new Date(savedAt).toISOString(),
			'source-uid': source.uid,
			'source-resource-version': source.resourceVersion,
			...(restores.is === 'release'
				? { release: restores.release, revision: String(restores.revision), chart: restores.chart }
				: { 'resource-api-version': restores.apiVersion, 'resource-kind': restores.kind, 'resource-name': restores.name }),
		}).map(([key, value]) => [prefix + key, value]),
	),
});

const prefix = 'diagnostics.milvus.io/';

type Metadata = {
	readonly namespace?: string;
	readonly name: string;
	readonly annotations?: Readonly<Record<string, string>>;
};

/** @returns undefined for one that was not written so; names in it are such as Kubernetes allows, and safe on a command line */
export function savedOf({ namespace = '', name, annotations = {} }: Metadata): SavedInstance | undefined {
	const told = (key: string) => annotations[prefix + key] ?? '';
	const kind = told('instance-kind');
	const instance = { namespace: told('instance-namespace'), name: told('instance-name') };
	const cleanup = { namespace: told('cleanup-namespace'), name: told('cleanup-name') };
	const savedAt = Date.parse(told('saved-at'));
	const restores = kind === 'helm' ? releaseIn(told) : resourceIn(told);
	const names = [namespace, name, instance.namespace, instance.name, cleanup.namespace, cleanup.name];
	if ((kind !== 'helm' && kind !== 'operator') || !restores || Number.isNaN(savedAt) || !names.every(isName)) return undefined;
	const source = { uid: told('source-uid'), resourceVersion: told('source-resource-version') };
	return { namespace, name, instance: { ...instance, kind }, cleanup, savedAt, source, restores };
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names */
export const isName = (text: string) => /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(text);

function releaseIn(told: (key: string) => string): Restores | undefined {
	const [release, revision, chart] = [told('release'), told('revision'), told('chart')];
	const isGood = isName(release) && /^[1-9]\d{0,8}$/.test(revision) && /^[!-~]{1,300}$/.test(chart);
	return isGood ? { is: 'release', release, revision: Number(revision), chart } : undefined;
}

function resourceIn(told: (key: string) => string): Restores | undefined {
	const [apiVersion, kind, name] = [told('resource-api-version'), told('resource-kind'), told('resource-name')];
	const isGood = /^milvus\.io\/v\d[a-z0-9]{0,20}$/.test(apiVersion) && (kind === 'Milvus' || kind === 'MilvusCluster') && isName(name);
	return isGood ? { is: 'resource', apiVersion, kind, name } : undefined;
}

type Manifest = {
	readonly apiVersion?: unknown;
	readonly kind?: unknown;
	readonly type?: unknown;
	readonly metadata?: { readonly namespace?: unknown; readonly name?: unknown };
};

/**
 * What is to be created.
 *
 * @param data of the Secret, as the API gives it
 * @returns undefined when it is not what the annotations say: whoever may write Secrets there can write what they like
 */
export function manifestIn({ instance, restores }: SavedInstance, data: Readonly<Record<string, string>>): object | undefined {
	const manifest = parsed(Buffer.from(data[restoreKey] ?? '', 'base64').toString());
	const expected =
		restores.is === 'release'
			? { apiVersion: 'v1', kind: 'Secret', type: releaseType, name: recordName(restores) }
			: { apiVersion: restores.apiVersion, kind: restores.kind, type: undefined, name: restores.name };
	const { apiVersion, kind, type, metadata } = manifest ?? {};
	const told = { apiVersion, kind, type, name: metadata?.name };
	const isIt =
		metadata?.namespace === instance.namespace && Object.entries(expected).every(([key, value]) => told[key as 'kind'] === value);
	return isIt ? manifest : undefined;
}

function parsed(text: string): Manifest | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null ? value : undefined;
	} catch {
		return undefined; // its message would quote it
	}
}
