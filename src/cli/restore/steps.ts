import { plurals, restoreKey, type SavedInstance } from '../../domain/saved-instance.ts';

/** Of the cluster, for the programs that are run. */
export type On = { readonly kubeconfig?: string; readonly context?: string };

/** The commands, one a line, each after the other if that did well. Nothing of what was saved is in them. */
export function steps({ namespace, name, instance, restores }: SavedInstance, on: On): string[] {
	const key = restoreKey.replaceAll('.', '\\.');
	const read = `${kubectl(on)} --namespace ${namespace} get secret ${name} --output jsonpath='{.data.${key}}'`;
	const create = `${read} | base64 -d | ${kubectl(on)} create --filename -`;
	return restores.is === 'release' ? [create, rollback(instance.namespace, restores, on)] : [create];
}

export const rollback = (namespace: string, { release, revision }: { readonly release: string; readonly revision: number }, on: On) =>
	`${helm(on)} --namespace ${namespace} rollback ${release} ${revision}`;

export const uninstall = (namespace: string, release: string, on: On) => `${helm(on)} --namespace ${namespace} uninstall ${release}`;

/** What to know when it is back. */
export function notes({ instance: { namespace }, restores }: SavedInstance, on: On): string[] {
	const object =
		restores.is === 'release'
			? `deployments,statefulsets --selector app.kubernetes.io/instance=${restores.release}`
			: `${plurals[restores.kind]}.milvus.io ${restores.name}`;
	return [
		'Its crashes of before still count, as far back as cleaner.restartTimeWindow reaches. To keep it from being removed again:',
		`${kubectl(on)} --namespace ${namespace} annotate ${object} diagnostics.milvus.io/keep=true`,
	];
}

export function describe({ instance: { namespace }, restores }: SavedInstance): string {
	return restores.is === 'release'
		? `Helm release ${restores.release} of namespace ${namespace}`
		: `${restores.kind} ${restores.name} of namespace ${namespace}`;
}

export function kept({ savedAt, restores }: SavedInstance): string {
	const at = new Date(savedAt).toISOString();
	return restores.is === 'release' ? `at ${at}: revision ${restores.revision}, chart ${restores.chart}` : `at ${at}`;
}

const kubectl = (on: On) => ['kubectl', ...option('--kubeconfig', on.kubeconfig), ...option('--context', on.context)].join(' ');
const helm = (on: On) => ['helm', ...option('--kubeconfig', on.kubeconfig), ...option('--kube-context', on.context)].join(' ');
const option = (name: string, value: string | undefined) => (value === undefined ? [] : [name, quoted(value)]);

/** For a POSIX shell. */
const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
