import type { ObjectName, Volume } from '../../../domain/contents.ts';
import type { ObjectMeta, OwnerReference } from '../../../drivers/kubernetes/kubernetes.ts';
import type { Claims } from '../../../readers/helmrelease/helmrelease.ts';
import type { Fates, Staying } from './fates.ts';

/** Something that has pods, and is there now. */
export type Workload = ObjectName & { readonly claims?: Claims | undefined };

export type ClaimRules = {
	/** Claims of this namespace. */
	readonly namespace: string;
	readonly workloads: readonly Workload[];
	/** The labels by which charts mark what is theirs: `app.kubernetes.io/instance`, `release`. Their values, each with why those that have one are lost, or stay. */
	readonly marks: ReadonlyMap<string, Fate>;
	/** Of single claims. */
	readonly named: ReadonlyMap<string, Fate>;
};

export type Fate = { readonly isLost: boolean; readonly why: string };

/**
 * What becomes of the PersistentVolumeClaims that have to do with an instance, when all that goes has gone: Kubernetes deletes what has owners, and
 * none that stays.
 *
 * @param claims of the namespace, all of them
 */
export function volumesOf(
	claims: readonly ObjectMeta[],
	{ goes, stays }: Fates,
	rules: ClaimRules,
): Fates & { readonly volumes: Volume[] } {
	const { namespace } = rules;
	const here: readonly Claim[] = claims.flatMap((metadata) => {
		const fate = fateOf(metadata, { goes, stays }, rules);
		return fate ? [{ ...claimKind, namespace, name: metadata.name, ...fate }] : [];
	});
	// A chart may put them anywhere.
	const elsewhere: readonly Claim[] = goes.flatMap(({ namespace: other, ...object }) =>
		isClaim(object) && other !== undefined && other !== namespace
			? [{ ...object, namespace: other, isLost: true, why: partOfRelease }]
			: [],
	);
	const all = [...here, ...elsewhere];
	const nameOf = ({ isLost, why, ...name }: Claim): Required<ObjectName> => name;
	return {
		goes: [...goes.filter((object) => !isClaim(object)), ...all.filter(({ isLost }) => isLost).map(nameOf)],
		stays: [
			...stays.filter((object) => !isClaim(object) || object.namespace !== namespace),
			...all.filter(({ isLost }) => !isLost).map((claim): Staying => ({ ...nameOf(claim), why: claim.why })),
		],
		volumes: all.map(({ name, namespace, isLost, why }) => ({ namespace, name, isLost, why })),
	};
}

type Claim = Required<ObjectName> & Fate;

const isClaim = ({ apiVersion, kind }: ObjectName) => apiVersion === claimKind.apiVersion && kind === claimKind.kind;
const partOfRelease = 'is part of the release, without helm.sh/resource-policy: keep';
const claimKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };

/** @returns undefined for one that has nothing to do with the instance */
function fateOf({ name, labels = {}, ownerReferences = [] }: ObjectMeta, { goes, stays }: Fates, rules: ClaimRules): Fate | undefined {
	const { namespace, workloads, marks } = rules;
	const isIt = (object: ObjectName) => object.kind === claimKind.kind && object.name === name && object.namespace === namespace;
	const isGoing = (workload: ObjectName) => goes.some((object) => isSame(object, workload));
	if (goes.some(isIt)) return { isLost: true, why: partOfRelease };

	const named = rules.named.get(name);
	const marked = [labels['app.kubernetes.io/instance'], labels.release].flatMap((value) => marks.get(value ?? '') ?? []);
	const mark = marked.find(({ isLost }) => isLost) ?? marked[0];
	if (named?.isLost) return named;
	if (mark?.isLost) return mark;

	const owned = ownerReferences.filter(
		(owner) => goes.some((object) => isSame(object, owner)) || isPodOf(owner, workloads.filter(isGoing)),
	);
	const [owner] = owned;
	if (owner && owned.length === ownerReferences.length)
		return { isLost: true, why: `belongs to ${owner.kind} ${owner.name}, and goes with it` };

	const set = workloads.find((workload) => isOfTemplate(name, workload));
	if (set?.claims?.areDeletedWithIt && isGoing(set))
		return { isLost: true, why: `StatefulSet ${set.name} says so: persistentVolumeClaimRetentionPolicy.whenDeleted: Delete` };

	const staying = stays.find(isIt);
	if (staying) return { isLost: false, why: staying.why };
	if (named) return named;
	if (set) return { isLost: false, why: `for a pod of StatefulSet ${set.name}, and no part of the release` };
	const user = workloads.find(({ claims }) => claims?.named.includes(name));
	if (user) return { isLost: false, why: `used by ${user.kind} ${user.name}, and no part of the release` };
	return mark;
}

type Owner = Pick<OwnerReference, 'apiVersion' | 'kind' | 'name'>;

const groupOf = ({ apiVersion }: Pick<Owner, 'apiVersion'>) => apiVersion.split('/').at(-2) ?? '';
const isSame = (object: Owner, owner: Owner) =>
	object.kind === owner.kind && object.name === owner.name && groupOf(object) === groupOf(owner);

/** Pods are called after what made them. One of somebody else may be called so too: then a claim is called lost that may stay. */
const isPodOf = ({ apiVersion, kind, name }: Owner, workloads: readonly Workload[]) =>
	apiVersion === 'v1' && kind === 'Pod' && /^[-a-z0-9.]+$/.test(name) && workloads.some((workload) => name.startsWith(`${workload.name}-`));

/** Kubernetes' pkg/controller/statefulset/stateful_set_utils.go: getPersistentVolumeClaimName. */
function isOfTemplate(claim: string, { name, claims }: Workload): boolean {
	return (
		claims?.templates.some(
			(template) => claim.startsWith(`${template}-${name}-`) && /^\d+$/.test(claim.slice(template.length + name.length + 2)),
		) ?? false
	);
}
