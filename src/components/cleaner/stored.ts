import { isDeepStrictEqual } from 'node:util';
import { defined } from '../../base/defined.ts';
import {
	apiVersion,
	labelsOf,
	objectNameOf,
	type Phase,
	phases,
	type Removal,
	resource,
	type Spec,
	type Status,
	spec as specSchema,
	status as statusSchema,
} from '../../domain/cleanup-object/cleanup-object.ts';
import type { Instance } from '../../domain/pod.ts';
import { type Cluster, type KubernetesObject, resource as path } from '../../drivers/kubernetes/kubernetes.ts';
import type { Decision } from './decide.ts';
import type { RemovalSoFar } from './decide-removal.ts';

type Raw = KubernetesObject & { readonly spec?: unknown; readonly status?: unknown };

/** A decision as it is in the cluster. */
export type Stored = Decision & {
	readonly namespace: string;
	readonly name: string;
	readonly uid: string;
	readonly resourceVersion: string;
	readonly instance: Instance;
	readonly spec: Spec;
	/** Undefined of one that was just made. */
	readonly status: Status | undefined;
};

/** All decisions of the cluster; not those that this version can't read, which are left alone. */
export async function storedDecisions(cluster: Cluster, signal: AbortSignal): Promise<Stored[]> {
	const all: Stored[] = [];
	for await (const raw of cluster.list<Raw>(path(apiVersion, resource.plural), {}, signal)) {
		const stored = raw.metadata.deletionTimestamp === undefined ? storedOf(raw) : undefined;
		if (stored) all.push(stored);
	}
	return all;
}

function storedOf({ metadata, spec: rawSpec, status: rawStatus }: Raw): Stored | undefined {
	const spec = specSchema.safeParse(rawSpec);
	const status = statusSchema.safeParse(rawStatus);
	if (!spec.success) return undefined;
	const told = (rawStatus as { readonly phase?: unknown } | undefined)?.phase;
	if (told !== undefined && !phases.includes(told as Phase)) return undefined; // of a newer version
	const { namespace = '', name, uid, resourceVersion } = metadata;
	return {
		...{ namespace, name, uid, resourceVersion },
		instance: { namespace, name: spec.data.instance, kind: spec.data.kind },
		phase: (told as Phase | undefined) ?? 'Pending',
		dueAt: Date.parse(spec.data.dueAt),
		since: Date.parse(status.data?.since ?? spec.data.decidedAt),
		...(status.data?.removal && { removal: soFar(status.data.removal) }),
		spec: spec.data,
		status: status.data,
	};
}

function soFar({ beganAt, attempts, words, ...times }: Removal): RemovalSoFar {
	const [actedAt, nextTryAt, goneAt] = [times.actedAt, times.nextTryAt, times.goneAt].map((time) => time && Date.parse(time)) as number[];
	return { beganAt: Date.parse(beganAt), attempts, ...defined({ words, actedAt, nextTryAt, goneAt }) };
}

const pathOf = ({ namespace, name }: Pick<Stored, 'namespace' | 'name'>) => path(apiVersion, resource.plural, namespace, name);

/** @returns undefined where somebody else has made it meanwhile, or has an object of that name */
export async function create(cluster: Cluster, namespace: string, spec: Spec, signal: AbortSignal): Promise<Stored | undefined> {
	const name = objectNameOf({ name: spec.instance, kind: spec.kind }, spec.target.uid);
	const body = { apiVersion, kind: resource.kind, metadata: { namespace, name, labels: labelsOf(spec.instance) }, spec };
	const made = await cluster.create<Raw>(path(apiVersion, resource.plural, namespace), body, signal);
	return made.is === 'done' ? storedOf(made.object) : undefined;
}

/** Writes what differs from what was seen, and only in place of that. @returns what is there now; undefined where it was not that any more */
export async function write(
	cluster: Cluster,
	stored: Stored,
	{ spec, status }: { readonly spec?: Spec; readonly status: Status },
	signal: AbortSignal,
): Promise<Stored | undefined> {
	let { resourceVersion } = stored;
	// First that there is time again, then that it waits: of whoever dies in between nobody is removed too early.
	if (spec && !isDeepStrictEqual(spec, stored.spec)) {
		const written = await cluster.patch(pathOf(stored), { metadata: { resourceVersion }, spec }, { type: 'merge' }, signal);
		if (written.is !== 'done') return undefined;
		resourceVersion = written.object.metadata.resourceVersion;
	}
	const body = { metadata: { resourceVersion }, status: replacing(status, stored.status) };
	const written = await cluster.patch<Raw>(pathOf(stored), body, { type: 'merge', subresource: 'status' }, signal);
	return written.is === 'done' ? storedOf(written.object) : undefined;
}

export async function forget(cluster: Cluster, stored: Stored, signal: AbortSignal): Promise<boolean> {
	const { uid, resourceVersion } = stored;
	return (await cluster.remove(pathOf(stored), { uid, resourceVersion }, signal)).is === 'done';
}

/** As a merge patch (RFC 7386): what is not said any more is null. */
function replacing<T extends object>(wanted: T, before: T | undefined): object {
	const gone = Object.keys(before ?? {}).filter((key) => !(key in wanted));
	const merged = Object.entries(wanted).map(([key, value]) => {
		const old = (before as Record<string, unknown> | undefined)?.[key];
		const areObjects = [value, old].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
		return [key, areObjects ? replacing(value, old as object) : value];
	});
	return Object.fromEntries([...merged, ...gone.map((key) => [key, null])]);
}

/** Whether two say the same, but for when it was looked. */
export const saysTheSame = ({ lookedAt: _, ...one }: Status, { lookedAt: __, ...other }: Status): boolean => isDeepStrictEqual(one, other);
