import { defined } from '../base/defined.ts';
import type { Membership, Pod } from './pod.ts';

/** Where a process ran: the part of an association that its pod tells. */
export const placeOf = (pod: Pick<Pod, 'node' | 'namespace' | 'name' | 'uid'>, membership: Membership | undefined, container?: string) =>
	defined({
		node: pod.node,
		namespace: pod.namespace,
		pod: pod.name,
		podUid: pod.uid,
		container,
		instance: membership?.instance.name,
		instanceKind: membership?.instance.kind,
		component: membership?.component,
	});
