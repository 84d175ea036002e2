import type { Container, Owner, Pod, Termination } from '../../domain/pod.ts';
import type { KubernetesObject } from '../../drivers/kubernetes/kubernetes.ts';

/** What the API says of a pod, as far as it is read here: `v1.Pod` of the Kubernetes API reference. */
export type ApiPod = KubernetesObject & {
	readonly spec?: {
		readonly nodeName?: string;
		readonly hostname?: string;
		readonly hostNetwork?: boolean;
		readonly containers?: readonly { readonly name: string; readonly image?: string }[];
	};
	readonly status?: {
		readonly startTime?: string;
		/** Of the pod as a whole: `Evicted`, `NodeShutdown`, … */
		readonly reason?: string;
		readonly containerStatuses?: readonly ApiContainerStatus[];
	};
};

type ApiContainerStatus = {
	readonly name: string;
	readonly image?: string;
	readonly imageID?: string;
	readonly containerID?: string;
	readonly restartCount?: number;
	readonly ready?: boolean;
	readonly state?: ApiContainerState;
	readonly lastState?: ApiContainerState;
};

type ApiContainerState = {
	readonly waiting?: { readonly reason?: string };
	readonly running?: { readonly startedAt?: string };
	readonly terminated?: {
		readonly exitCode: number;
		readonly signal?: number;
		readonly reason?: string;
		readonly message?: string;
		readonly containerID?: string;
		readonly startedAt?: string;
		readonly finishedAt?: string;
	};
};

/** The kernel's: longer names of pods are cut for their processes. */
const longestHostname = 63;
/** Of a pod's annotations only these are looked at. */
const annotationPrefix = 'diagnostics.milvus.io/';

export function readPod({ metadata, spec, status }: ApiPod): Pod {
	const statuses = new Map((status?.containerStatuses ?? []).map((one) => [one.name, one]));
	return {
		uid: metadata.uid,
		namespace: metadata.namespace ?? '',
		name: metadata.name,
		node: spec?.nodeName ?? '',
		labels: metadata.labels ?? {},
		annotations: Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => name.startsWith(annotationPrefix))),
		owner: controllerOf(metadata),
		hostname: (spec?.hostname ?? metadata.name).slice(0, longestHostname).replace(/[-.]+$/, ''),
		isHostNetwork: spec?.hostNetwork ?? false,
		startedAt: timeOf(status?.startTime),
		// The kubelet gives a pod a reason only when it ends all of it.
		isEnding: metadata.deletionTimestamp !== undefined || Boolean(status?.reason),
		containers: (spec?.containers ?? []).map(({ name, image }) => containerOf(name, image ?? '', statuses.get(name))),
	};
}

export function controllerOf({ ownerReferences }: KubernetesObject['metadata']): Owner | undefined {
	const owner = ownerReferences?.find(({ controller }) => controller);
	return owner && { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name, uid: owner.uid };
}

function containerOf(name: string, image: string, status: ApiContainerStatus | undefined): Container {
	const id = bareId(status?.containerID);
	const last = terminationOf(status?.lastState);
	const end = terminationOf(status?.state) ?? (isBetweenRuns(status, last) ? last : undefined);
	return {
		name,
		image,
		imageId: status?.imageID || undefined,
		id,
		restartCount: status?.restartCount ?? 0,
		isReady: status?.ready ?? false,
		...(status?.state?.waiting?.reason === 'CrashLoopBackOff' && { isBackingOff: true }),
		startedAt: timeOf(status?.state?.running?.startedAt) ?? end?.startedAt,
		end: end && { ...end, containerId: end.containerId ?? id },
		lastEnd: end === last ? undefined : last,
	};
}

/**
 * While a container waits for its next run, the kubelet shows how the present one ended as `lastState`, and has not counted the restart yet:
 * the id is still that of this run (`convertStatusToAPIStatus` in pkg/kubelet/kubelet_pods.go).
 */
function isBetweenRuns(status: ApiContainerStatus | undefined, last: Termination | undefined): boolean {
	if (!status?.state?.waiting || !last) return false;
	return last.containerId === undefined ? false : last.containerId === bareId(status.containerID);
}

function terminationOf(state: ApiContainerState | undefined): Termination | undefined {
	const ended = state?.terminated;
	if (!ended) return undefined;
	return {
		containerId: bareId(ended.containerID),
		exitCode: ended.exitCode,
		signal: ended.signal || undefined,
		reason: ended.reason ?? '',
		message: ended.message,
		startedAt: timeOf(ended.startedAt),
		finishedAt: timeOf(ended.finishedAt),
	};
}

/** Without the runtime: `containerd://…`, `cri-o://…`. */
const bareId = (id: string | undefined) => id?.replace(/^[\w.+-]+:\/\//, '') || undefined;

/** The API gives whole seconds; the time of a container that never ran is the epoch, or the year 1. */
function timeOf(text: string | undefined): number | undefined {
	const time = Date.parse(text ?? '');
	return time > 0 ? time : undefined;
}
