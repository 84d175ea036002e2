import type { crashReports } from '../crash-reports.ts';
import type { Stored } from './api.ts';
import type { Cluster } from './cluster.ts';
import { type PlayedPod, playKubelet } from './played-kubelet.ts';

type Reports = Awaited<ReturnType<typeof crashReports>>;

/**
 * Lets the pod of an instance crash, as its kubelet and the agent on its node would tell of it: the first crashes have a CrashReport each, the last of
 * these stands for all that follow.
 *
 * @param first index of the CrashReports, which take five
 */
export async function crashLoop(cluster: Cluster, { reports, pod, instance, first, crashes = 8 }: CrashLoop): Promise<PlayedPod> {
	const kubelet = playKubelet(cluster, pod);
	const [container] = pod.spec.containers;
	await kubelet.run(new Date(Date.now() - 3600_000));
	await kubelet.crash({ exitCode: 139 }, undefined, crashes - 1);
	await kubelet.end({ exitCode: 139 });
	await kubelet.backOff();
	const ago = (index: number) => new Date(Date.now() - index * 20_000);
	const place = {
		...{ pod: pod.metadata.name, podUid: pod.metadata.uid, container: container.name, component: container.name },
		...{ instance: instance.name, instanceKind: instance.kind },
	};
	for (let index = 0; index < 4; index++) await reports.ended(first + index, [ago(crashes - index)], place);
	const rest = Array.from({ length: crashes - 4 }, (_, index) => ago(index));
	await reports.ended(first + 4, rest, place);
	return kubelet;
}

export type CrashLoop = {
	readonly reports: Reports;
	readonly pod: Stored;
	readonly instance: { readonly name: string; readonly kind: 'helm' | 'operator' | 'unmanaged' };
	readonly first: number;
	readonly crashes?: number;
};
