import type { Target } from '../../domain/cleanup-object/cleanup-object.ts';
import type { InstanceNow, OwnerNow } from '../../domain/instance-now.ts';

/** What would be removed to remove an instance; undefined where nothing of it is there. */
export function targetOf({ instance, pods: [first, ...others] }: InstanceNow): Target | undefined {
	if (!first) return undefined;
	const tops = [first, ...others].flatMap(({ owners }) => owners.at(-1) ?? []);
	const top = tops.reduce<OwnerNow | undefined>((one, other) => (one && !isOlder(other, one) ? one : other), undefined);
	const pod = { apiVersion: 'v1', kind: 'Pod', name: first.name, uid: first.uid };
	const { apiVersion, kind, name, uid } = top ?? pod;
	if (instance.kind !== 'helm') return { apiVersion, kind, name, uid };
	return { apiVersion: 'helm.sh/v1', kind: 'Release', name: instance.name, uid, workload: { apiVersion, kind, name } };
}

const isOlder = (one: OwnerNow, other: OwnerNow) => one.madeAt < other.madeAt || (one.madeAt === other.madeAt && one.uid < other.uid);

/** Whether what was to be removed is still there, and no other of its name. */
export const isThere = ({ uid }: Target, { pods }: InstanceNow): boolean =>
	pods.some((pod) => pod.uid === uid || pod.owners.some((owner) => owner.uid === uid));

/** The command by which a person keeps an instance. */
export function howToVeto({ namespace }: { readonly namespace: string }, { workload, ...target }: Target): string {
	const { apiVersion, kind, name } = workload ?? target;
	const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
	const what = group === '' || group === 'apps' ? kind.toLowerCase() : `${kind.toLowerCase()}.${version}.${group}`;
	return `kubectl -n ${namespace} annotate ${what} ${name} diagnostics.milvus.io/keep=true`;
}
