import { type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Seen } from './candidacy.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
export type Lease = KubernetesObject & {
	readonly spec?: {
		readonly holderIdentity?: string | null;
		readonly leaseDurationSeconds?: number | null;
		/** For people: whoever judges goes by a clock of their own. */
		readonly acquireTime?: string | null;
		readonly renewTime?: string | null;
		readonly leaseTransitions?: number | null;
	};
};

export type Place = { readonly namespace: string; readonly name: string };

const apiVersion = 'coordination.k8s.io/v1';

export const collectionOf = ({ namespace }: Place) => resource(apiVersion, 'leases', namespace);
export const pathOf = ({ namespace, name }: Place) => resource(apiVersion, 'leases', namespace, name);

export function seenIn({ metadata: { uid, resourceVersion }, spec = {} }: Lease): Seen {
	const { holderIdentity, leaseDurationSeconds } = spec;
	return {
		version: `${uid}/${resourceVersion}`,
		holder: holderIdentity ?? '',
		durationMs: leaseDurationSeconds == null ? undefined : leaseDurationSeconds * 1000,
	};
}

/** The Lease as its new or old holder writes it; what others have added to it stays. */
export function heldBy(identity: string, before: Lease | undefined, { namespace, name }: Place, leaseMs: number, now: Date): object {
	const time = now.toISOString().replace('Z', '000Z'); // MicroTime
	const isHeld = before?.spec?.holderIdentity === identity;
	const { acquireTime, leaseTransitions } = before?.spec ?? {};
	return {
		...before,
		apiVersion,
		kind: 'Lease',
		metadata: before?.metadata ?? { namespace, name },
		spec: {
			...before?.spec,
			holderIdentity: identity,
			leaseDurationSeconds: Math.ceil(leaseMs / 1000),
			acquireTime: isHeld ? acquireTime : time,
			renewTime: time,
			leaseTransitions: before === undefined ? 0 : (leaseTransitions ?? 0) + (isHeld ? 0 : 1),
		},
	};
}

/** The Lease as its holder gives it back. */
export const givenBack = (lease: Lease): object => ({ ...lease, spec: { ...lease.spec, holderIdentity: '' } });
