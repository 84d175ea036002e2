import type { Pod } from '../../domain/pod.ts';
import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';

type ApiEvent = KubernetesObject & {
	readonly message?: string;
	readonly lastTimestamp?: string | null;
	readonly eventTime?: string | null;
	readonly involvedObject?: { readonly fieldPath?: string };
};

/** The kubelet says that it kills a container before it does; a container may then take its time to end. */
const beforeMs = 10 * 60_000;
const afterMs = 10_000;

/** What the kubelet said when it ended a container, such as `Container querynode failed liveness probe, will be restarted`. */
export async function killMessageOf(
	cluster: Cluster,
	pod: Pod,
	container: string,
	endedAt: number,
	signal?: AbortSignal,
): Promise<string | undefined> {
	const selector = `involvedObject.uid=${pod.uid},reason=Killing`;
	const messages: { readonly at: number; readonly message: string }[] = [];
	for await (const event of cluster.list<ApiEvent>(resource('v1', 'events', pod.namespace), { fieldSelector: selector }, signal)) {
		const at = Date.parse(event.lastTimestamp ?? event.eventTime ?? '');
		const isOfContainer = event.involvedObject?.fieldPath === `spec.containers{${container}}`;
		if (isOfContainer && event.message && at > endedAt - beforeMs && at < endedAt + afterMs) messages.push({ at, message: event.message });
	}
	return messages.sort((a, b) => a.at - b.at).at(-1)?.message;
}
