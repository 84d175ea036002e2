import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exec } from '../crash.ts';
import { type Api, apiOf } from './api.ts';
import { find } from './programs.ts';

/** A Kubernetes for tests, with all rights in it. */
export type Cluster = Api & {
	/** Path of a kubeconfig that holds its certificates itself. */
	readonly kubeconfig: string;
	/** @returns what kubectl prints */
	kubectl(...args: readonly string[]): Promise<string>;
	/** A namespace of its own, emptied and given up at the end of the block. */
	namespace(): Promise<AsyncDisposable & { readonly name: string }>;
	/** A node that nobody runs, for pods which name it; ready for as long as the cluster lives. @returns its name */
	node(annotations?: Readonly<Record<string, string>>): Promise<string>;
	/** @returns path of a kubeconfig with the rights of a service account, for an hour */
	kubeconfigOf(namespace: string, serviceAccount: string): Promise<string>;
};

/** A name that nobody else has who uses the same cluster. */
export const unique = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;

export function clusterOf(kubeconfig: string): Cluster {
	const api = apiOf(kubeconfig);
	return {
		...api,
		kubeconfig,
		async kubectl(...args) {
			const { stdout } = await exec(join(await find('kubernetes'), 'kubectl'), ['--kubeconfig', kubeconfig, ...args], {
				maxBuffer: 1 << 28,
			});
			return stdout;
		},
		async namespace() {
			const { metadata } = await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: unique('test') } });
			const path = `/api/v1/namespaces/${metadata.name}`;
			return {
				name: metadata.name,
				async [Symbol.asyncDispose]() {
					await api.call('DELETE', path);
					// No kubelet ends these, for which the namespace would wait.
					await api.call('DELETE', `${path}/pods?gracePeriodSeconds=0`);
				},
			};
		},
		async node(annotations = {}) {
			const name = unique('node');
			const room = { cpu: '64', memory: '256Gi', pods: '1000' };
			await api.create({
				apiVersion: 'v1',
				kind: 'Node',
				metadata: { name, annotations, labels: { 'kubernetes.io/hostname': name } },
				status: { capacity: room, allocatable: room, conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] },
			});
			return name;
		},
		async kubeconfigOf(namespace, serviceAccount) {
			const { status } = await api.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`, {
				apiVersion: 'authentication.k8s.io/v1',
				kind: 'TokenRequest',
				spec: { expirationSeconds: 3600 },
			});
			const folder = mkdtempSync(join(dirname(kubeconfig), `${serviceAccount}-`));
			const path = join(folder, 'kubeconfig');
			const { stdout } = await exec(join(await find('kubernetes'), 'kubectl'), [
				'--kubeconfig',
				kubeconfig,
				'config',
				'view',
				'--raw',
				'-o',
				'json',
			]);
			writeFileSync(path, JSON.stringify({ ...JSON.parse(stdout), users: [{ name: 'admin', user: { token: status.token } }] }), {
				mode: 0o600,
			});
			return path;
		},
	};
}
