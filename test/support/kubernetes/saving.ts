import { join } from 'node:path';
import { contentsOf } from '../../../src/components/cleaner/contents/contents.ts';
import { save, sweepSaved } from '../../../src/components/cleaner/saved/saved.ts';
import type { Instance } from '../../../src/domain/pod.ts';
import { connect } from '../../../src/drivers/kubernetes/kubernetes.ts';
import { root } from '../crash.ts';
import type { Stored } from './api.ts';
import type { Cluster } from './cluster.ts';
import { sharedControlPlane } from './control-plane.ts';
import { helm } from './helm.ts';
import { defineMilvus } from './milvus-operator.ts';
import { presentIn } from './present.ts';

/** What nobody may read but in the Secret that is saved. */
export const password = 'correct-horse-battery-staple';

/** A namespace with instances, and one of the agent, where they are saved. @param of else the control plane that all share */
export async function saving(of?: Cluster) {
	const cluster = of ?? (await sharedControlPlane());
	await defineMilvus(cluster);
	const [instances, agent] = [await cluster.namespace(), await cluster.namespace()];
	const namespace = instances.name;
	const chart = join(root, 'test/support/kubernetes/charts/milvus');
	const onCluster = ['--kubeconfig', cluster.kubeconfig, '--namespace', namespace];
	const instanceOf = (name: string, kind: Instance['kind']): Instance => ({ namespace, name, kind });
	const signal = AbortSignal.timeout(100_000);
	const secretPath = (name: string, where = agent.name) => `/api/v1/namespaces/${where}/secrets/${name}`;
	return {
		...{ cluster, chart, namespace, into: agent.name, secretPath },
		helm: (...args: readonly string[]) => helm(...args, ...onCluster),
		install: (name: string, ...more: readonly string[]) =>
			helm('install', name, chart, '--set', `password=${password}`, ...more, ...onCluster),
		create: (apiVersion: string, kind: string, name: string, { metadata = {}, ...rest }: { metadata?: object; [field: string]: unknown }) =>
			cluster.create({ apiVersion, kind, metadata: { name, namespace, ...metadata }, ...rest }),
		present: (kinds?: string) => presentIn(cluster, namespace, kinds),
		async found(name: string, kind: Instance['kind'] = 'helm') {
			using asked = await connect({ kubeconfig: cluster.kubeconfig, environment: {} });
			return contentsOf(asked, instanceOf(name, kind), signal);
		},
		/** @param options what was found of it, else it is looked for; and as whom */
		async save(
			name: string,
			kind: Instance['kind'] = 'helm',
			options: { readonly found?: Awaited<ReturnType<typeof contentsOf>>; readonly kubeconfig?: string; readonly cleanup?: string } = {},
		) {
			using asked = await connect({ kubeconfig: options.kubeconfig ?? cluster.kubeconfig, environment: {} });
			const cleanup = { namespace, name: options.cleanup ?? `${name}-0123456789` };
			const found = options.found ?? (await this.found(name, kind));
			return save(asked, { into: agent.name, cleanup, instance: instanceOf(name, kind), found }, signal);
		},
		async sweep(keepMs: number | undefined, now = Date.now()) {
			using asked = await connect({ kubeconfig: cluster.kubeconfig, environment: {} });
			return sweepSaved(asked, { namespace: agent.name, keepMs }, now, signal);
		},
		/** All Secrets of the agent. */
		saved: (): Promise<readonly Stored[]> => cluster.list(`/api/v1/namespaces/${agent.name}/secrets`),
		secret: (name: string) => cluster.call('GET', secretPath(name)),
		/** What was saved to be created again. */
		async manifest(name: string) {
			const { data } = await cluster.call('GET', secretPath(name));
			return JSON.parse(Buffer.from(data['restore.json'], 'base64').toString());
		},
		[Symbol.asyncDispose]: async () => {
			await cluster.kubectl('delete', 'clusterroles', ...['a', 'b', 'c'].map((name) => `${namespace}:${name}`), '--ignore-not-found');
			await instances[Symbol.asyncDispose]();
			await agent[Symbol.asyncDispose]();
		},
	};
}
