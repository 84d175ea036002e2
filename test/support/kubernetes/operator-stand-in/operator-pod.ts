import { until } from '../../until.ts';
import type { Stored } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { operatorDeployment } from '../milvus-operator.ts';
import { playKubelet, setStatus } from '../played-kubelet.ts';

/** The operator as it shows in the cluster: a release of its own, whose pod runs and is ready, or does nothing but end. */
export async function operatorPod(cluster: Cluster, place: { readonly namespace: string; readonly node: string }) {
	const { workloads, pods } = await operatorDeployment(cluster, place);
	const [deployment, pod] = [workloads[0] as Stored, pods[0] as Stored];
	const kubelet = playKubelet(cluster, pod);
	await kubelet.run();

	async function become(isReady: boolean): Promise<void> {
		const status = isReady ? 'True' : 'False';
		await setStatus(cluster, pod, { conditions: ['ContainersReady', 'Ready'].map((type) => ({ type, status })) });
		const available = async () => (await cluster.read(deployment)).status.availableReplicas ?? 0;
		await until(`${isReady ? '' : 'un'}available operator`, available, (count) => count === (isReady ? 1 : 0));
	}
	await become(true);

	return {
		...{ deployment, pod },
		async stop() {
			await kubelet.end({ exitCode: 1 });
			await kubelet.backOff();
			await become(false);
		},
		async start() {
			await kubelet.restart();
			await become(true);
		},
	};
}
