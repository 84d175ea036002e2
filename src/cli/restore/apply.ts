import { plurals, recordName } from '../../domain/saved-instance.ts';
import { helm } from '../../drivers/helm/helm.ts';
import { type Cluster, isKubernetesError, resource, withoutQuotes } from '../../drivers/kubernetes/kubernetes.ts';
import { run } from '../../drivers/process/process.ts';
import { FailedError, UserError } from '../errors.ts';
import type { Chosen } from './chosen.ts';
import { describe, kept, type On, rollback } from './steps.ts';

/** What `helm rollback` waits for is hooks. */
const timeoutMs = 300_000;

/** Brings an instance back. @param tell of each step that is done */
export async function apply(
	cluster: Cluster,
	{ saved, manifest }: Chosen,
	on: On,
	tell: (line: string) => void,
	signal: AbortSignal,
): Promise<void> {
	const { instance, restores } = saved;
	const { namespace } = instance;
	if (restores.is === 'resource') {
		await create(cluster, resource(restores.apiVersion, plurals[restores.kind], namespace), describe(saved), manifest, signal);
		return tell(`created: ${describe(saved)}, as it was ${kept(saved)}; the operator makes the rest`);
	}
	await expectHelm(signal);
	const record = recordName(restores);
	await create(cluster, resource('v1', 'secrets', namespace), `Secret ${record} of namespace ${namespace}`, manifest, signal);
	tell(`created: Secret ${record} of namespace ${namespace}, the record of ${describe(saved)}`);
	const { release, revision } = restores;
	const ran = await helm({ kubeconfig: cluster.kubeconfig, environment: process.env }).rollback(
		{ namespace, release, revision, timeoutMs },
		signal,
	);
	if (ran.is !== 'done')
		throw new FailedError(
			`the record is there again, but not what belongs to it: ${ran.words}; once that is mended: ${rollback(namespace, restores, on)}`,
		);
	tell(`rolled back: ${describe(saved)} is as it was ${kept(saved)}`);
}

/** Else half of it would be done before it is noticed. */
async function expectHelm(signal: AbortSignal): Promise<void> {
	const { how } = await run('helm', ['version', '--short'], { timeoutMs: 20_000, maxOutputBytes: 1 << 20, signal });
	if (how.is === 'not found') throw new UserError('helm is not installed here: https://helm.sh/docs/intro/install/; nothing was restored');
}

async function create(cluster: Cluster, path: string, what: string, manifest: object, signal: AbortSignal): Promise<void> {
	try {
		const made = await cluster.create(path, manifest, signal);
		if (made.is === 'exists') throw new UserError(`nothing is restored: ${what} is there`);
	} catch (error) {
		if (!isKubernetesError(error)) throw error;
		throw new FailedError(`nothing was restored: ${what} can't be created: ${withoutQuotes(error)}`); // whose own words may quote it
	}
}
