import { defined } from '../../base/defined.ts';
import type { OwnerNow } from '../../domain/instance-now.ts';
import type { Membership, Owner, Pod } from '../../domain/pod.ts';
import { fits, type Labels } from './selector.ts';

/** Labels by which Milvus is known; any one suffices. */
export type Selectors = { readonly helmReleaseLabels: readonly string[]; readonly operatorLabels: readonly string[] };

/** What owns a pod, step by step upwards: ReplicaSet, Deployment, custom resources. A pod of nobody has none. */
export type Lineage = {
	readonly ancestors: readonly Ancestor[];
	/** False where the API does not say what is above the last; then labels are believed. */
	readonly isComplete: boolean;
};

export const unknownLineage: Lineage = { ancestors: [], isComplete: false };

export type Ancestor = Pick<Owner, 'apiVersion' | 'kind' | 'name'> & {
	readonly labels: Labels;
	readonly annotations: Labels;
	/** What the API says of it; absent of one that was not there, or that nobody asked for. */
	readonly found?: Pick<OwnerNow, 'uid' | 'isEnding' | 'madeAt'>;
};

type Member = Pick<Pod, 'namespace' | 'name' | 'labels'> & { readonly containers: readonly { readonly name: string }[] };

/** How old operators called the standalone. */
const oldStandalone = 'milvus';
/** The processes of Milvus. What else a release brings (attu, woodpecker) is not Milvus. */
const components = new Set(
	'standalone proxy rootcoord querycoord datacoord indexcoord mixcoord querynode datanode indexnode streamingnode cdc'
		.split(' ')
		.concat(oldStandalone),
);

const labelOf = {
	component: 'component', // the chart's
	operatorComponent: 'app.kubernetes.io/component',
	instance: 'app.kubernetes.io/instance',
	milvusInstance: 'milvus.io/instance',
} as const;
const releaseName = 'meta.helm.sh/release-name';

/** Whether an owner is an instance of the operator, and not another resource of its group, such as an upgrade. */
const isInstance = ({ apiVersion, kind }: Ancestor) => /^milvus\.io\//.test(apiVersion) && (kind === 'Milvus' || kind === 'MilvusCluster');

/** Whether a pod may be one of Milvus, so that it is worth asking who owns it: a name may be overridden, the component never is. */
export const mayBeMilvus = (pod: Member, selectors: Selectors): boolean =>
	isAdmitted(pod.labels) && (isOwnComponent(pod.labels) || all(selectors).some((selector) => fits(pod.labels, selector)));

/** Whether the agent has to do with a pod at all: one of the namespaces that are looked at, that may be of Milvus. */
export const isLookedAt = (pod: Member, namespaces: 'all' | readonly string[], selectors: Selectors): boolean =>
	(namespaces === 'all' || namespaces.includes(pod.namespace)) && mayBeMilvus(pod, selectors);

/** Which instance a pod belongs to, and as what; undefined for what is not Milvus: its dependencies, its look-alikes, the operator. */
export function membershipOf(pod: Member, lineage: Lineage, selectors: Selectors): Membership | undefined {
	const sources = [pod.labels, ...lineage.ancestors.map(({ labels }) => labels)];
	const isFit = all(selectors).some((selector) => sources.some((labels) => fits(labels, selector)));
	if (!(isFit || lineage.ancestors.some(isInstance)) || !isAdmitted(pod.labels)) return undefined;
	const instance = { namespace: pod.namespace, ...nameAndKind(pod, lineage, selectors) };
	return { instance, ...defined({ component: componentOf(pod) }) };
}

function nameAndKind(pod: Member, { ancestors, isComplete }: Lineage, { operatorLabels }: Selectors) {
	const resource = ancestors.findLast(isInstance);
	if (resource) return { kind: 'operator', name: resource.name } as const;
	const release = ancestors.map(({ annotations }) => annotations[releaseName]).find((name) => name !== undefined);
	if (release !== undefined) return { kind: 'helm', name: release } as const;
	const name = pod.labels[labelOf.milvusInstance] ?? pod.labels[labelOf.instance] ?? makerOf(ancestors) ?? pod.name;
	if (isComplete) return { kind: 'unmanaged', name } as const;
	const isOfOperator = operatorLabels.some((selector) => fits(pod.labels, selector));
	return { kind: isOfOperator ? 'operator' : 'helm', name } as const;
}

/** What made a pod gives it a name that lasts: pods come and go. A node is no maker, it only runs the pods of its kubelet. */
const makerOf = (ancestors: readonly Ancestor[]) => ancestors.findLast(({ kind }) => kind !== 'Node')?.name;

/** The chart has one key for it and the operator another; the other one is free for whoever labels pods. */
function componentLabel(labels: Labels): string | undefined {
	const given = [labels[labelOf.component], labels[labelOf.operatorComponent]].filter((one) => one !== undefined);
	return given.find((one) => components.has(one)) ?? given[0];
}

/** A component that is there must be one of Milvus'. */
const isAdmitted = (labels: Labels) => componentLabel(labels) === undefined || isOwnComponent(labels);

const isOwnComponent = (labels: Labels) => components.has(componentLabel(labels) ?? '');

/** As the label says, else as the container that runs it is called. */
export function componentOf({ labels, containers }: Pick<Member, 'labels' | 'containers'>): string | undefined {
	const label = componentLabel(labels);
	if (label !== undefined) return label === oldStandalone ? 'standalone' : label;
	return containers.find(({ name }) => name !== oldStandalone && components.has(name))?.name;
}

/** Whether a container of a member is the one that runs Milvus: it is called as the component, else as any, else it is the only one, or the first. */
export function runsMilvus({ labels, containers }: Pick<Member, 'labels' | 'containers'>, container: string): boolean {
	const component = componentLabel(labels);
	const named = containers.find(({ name }) => name === component) ?? containers.find(({ name }) => components.has(name));
	return (named ?? containers[0])?.name === container;
}

const all = ({ helmReleaseLabels, operatorLabels }: Selectors) => [...helmReleaseLabels, ...operatorLabels];
