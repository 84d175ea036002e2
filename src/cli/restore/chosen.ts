import { printable } from '../../base/printable.ts';
import { apiVersion, resource as cleanups } from '../../domain/cleanup-object/cleanup-object.ts';
import { isName, manifestIn, type SavedInstance, savedOf, savedSelection, secretType } from '../../domain/saved-instance.ts';
import { type Cluster, type KubernetesObject, KubernetesRefused, resource, type Secret } from '../../drivers/kubernetes/kubernetes.ts';
import { FailedError, UserError } from '../errors.ts';

/** What was saved, and what is to be created. */
export type Chosen = { readonly saved: SavedInstance; readonly manifest: object };

type Place = { readonly namespace: string; readonly name: string };
/** Whatever stands there. */
type Cleanup = KubernetesObject & {
	readonly status?: { readonly phase?: unknown; readonly saved?: Partial<Record<keyof Place, unknown>> };
};

/** What was saved, the newest first. @param namespace undefined: all of them */
export async function savedInstances(cluster: Cluster, namespace: string | undefined, signal: AbortSignal): Promise<SavedInstance[]> {
	const all: SavedInstance[] = [];
	try {
		for await (const { metadata } of cluster.list<Secret>(
			resource('v1', 'secrets', namespace),
			{ ...savedSelection, metadataOnly: true },
			signal,
		)) {
			const saved = savedOf(metadata);
			if (saved) all.push(saved);
		}
	} catch (error) {
		if (!(error instanceof KubernetesRefused) || error.status !== 403 || namespace !== undefined) throw error;
		throw new FailedError(`${error.message}; with --namespace, the agent's own, no other is looked into`, { cause: error });
	}
	return all.toSorted((a, b) => b.savedAt - a.savedAt);
}

/**
 * What was saved under that name, or for the InstanceCleanup of that name.
 *
 * @throws {UserError} nothing, or several
 */
export async function chosen(cluster: Cluster, name: string, namespace: string | undefined, signal: AbortSignal): Promise<Chosen> {
	if (!isName(name)) throw new UserError(`${printable(name) || 'an empty text'} is no name of an InstanceCleanup or a Secret: ${hint}`);
	const cleanup = await cleanupOf(cluster, name, signal);
	const told = placeIn(cleanup);
	if (told && namespace !== undefined && told.namespace !== namespace)
		throw new UserError(`what was saved for InstanceCleanup ${name} is in namespace ${told.namespace}, not in ${printable(namespace)}`);
	if (told) return savedAt(cluster, told, cleanup, signal);
	const fitting = (await savedInstances(cluster, namespace, signal)).filter((one) => one.name === name || one.cleanup.name === name);
	const [one, ...others] = fitting;
	if (others.length > 0) {
		const all = fitting.map((saved) => `${saved.name} (namespace ${saved.namespace})`);
		throw new UserError(`several were saved for ${name}: ${all.join(', ')}; give one of these names, and its --namespace`);
	}
	if (one) return savedAt(cluster, one, undefined, signal);
	const phase = typeof cleanup?.status?.phase === 'string' ? ` (${printable(cleanup.status.phase)})` : '';
	throw new UserError(
		cleanup ? `nothing was saved for InstanceCleanup ${name}${phase}: ${hint}` : `nothing is there of name ${name}: ${hint}`,
	);
}

const hint = '`milvus-coredump-agent restore` lists what is saved';

/** By its name alone: there is something unique in it. */
async function cleanupOf(cluster: Cluster, name: string, signal: AbortSignal): Promise<Cleanup | undefined> {
	const all: Cleanup[] = [];
	try {
		const path = resource(apiVersion, cleanups.plural);
		for await (const one of cluster.list<Cleanup>(path, { fieldSelector: `metadata.name=${name}` }, signal)) all.push(one);
	} catch (error) {
		// Without the right to see it, or where there are none, what is saved tells for what it was.
		if (!(error instanceof KubernetesRefused) || (error.status !== 403 && error.status !== 404)) throw error;
	}
	if (all.length > 1)
		throw new UserError(
			`there are several InstanceCleanups ${name}, in namespaces ${all.map(({ metadata }) => metadata.namespace).join(', ')}: give the name of the Secret; ${hint}`,
		);
	return all[0];
}

function placeIn(cleanup: Cleanup | undefined): Place | undefined {
	const { namespace, name } = cleanup?.status?.saved ?? {};
	return typeof namespace === 'string' && typeof name === 'string' && isName(namespace) && isName(name) ? { namespace, name } : undefined;
}

async function savedAt(cluster: Cluster, { namespace, name }: Place, cleanup: Cleanup | undefined, signal: AbortSignal): Promise<Chosen> {
	const shown = `Secret ${name} of namespace ${namespace}`;
	const secret = await cluster.get<Secret>(resource('v1', 'secrets', namespace, name), signal);
	if (!secret) throw new UserError(`${shown}, in which the instance was saved, is not there any more`);
	const saved = secret.type === secretType ? savedOf(secret.metadata) : undefined;
	const manifest = saved && manifestIn(saved, secret.data ?? {});
	const isOfIt =
		cleanup === undefined || (saved?.cleanup.name === cleanup.metadata.name && saved.cleanup.namespace === cleanup.metadata.namespace);
	if (!manifest || !isOfIt) throw new FailedError(`${shown} is not as the agent saves an instance: nothing is restored from it`);
	return { saved, manifest };
}
