import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Manifest } from './api.ts';
import { type Cluster, unique } from './cluster.ts';
import { find } from './programs.ts';

/** Many pods that run on many nodes, of which there is nothing but the objects: kwok writes their status as kubelets would. */
export type Kwok = AsyncDisposable & {
	/** Makes nodes. @returns their names */
	nodes(count: number): Promise<readonly string[]>;
	/** Makes pods, spread evenly over the nodes made so far. They run soon after, and crash if they are told to. @returns their names */
	pods(count: number, options: PodOptions): Promise<readonly string[]>;
	/** The kwok process. */
	readonly pid: number;
};

export type PodOptions = {
	readonly namespace: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly container?: string;
	/** Makes the first container die again and again. `every`: as Go writes durations, `3s`. */
	readonly crash?: { readonly exitCode: number; readonly every: string; readonly reason?: string };
};

/** What a pod's annotations say to kwok-stages.yaml. */
export const crashAnnotations = ({ exitCode, every, reason }: NonNullable<PodOptions['crash']>): Readonly<Record<string, string>> => ({
	'crash/exit-code': String(exitCode),
	'crash/every': every,
	...(reason !== undefined && { 'crash/reason': reason }),
});

/** Starts kwok, which looks after the nodes that are made by what is returned here, and no others. At the end of the block they are gone. */
export async function kwok(cluster: Cluster): Promise<Kwok> {
	const folder = await find('kwok');
	const mark = unique('kwok');
	const child = spawn(
		'setpriv',
		[
			...['--pdeathsig', 'KILL', join(folder, 'kwok'), '--kubeconfig', cluster.kubeconfig],
			...['--config', join(folder, 'stages.yaml'), '--config', join(import.meta.dirname, 'kwok-stages.yaml')],
			...['--manage-nodes-with-annotation-selector', `kwok.x-k8s.io/node=${mark}`, '--node-lease-duration-seconds', '40'],
		],
		{ stdio: 'ignore' },
	);
	const ended = once(child, 'exit');
	const names: string[] = [];
	return {
		pid: child.pid ?? 0,
		async nodes(count) {
			const made = Array.from({ length: count }, (_, index) => `${mark}-${names.length + index}`);
			await Promise.all(made.map((name) => cluster.create(node(name, mark))));
			names.push(...made);
			return made;
		},
		async pods(count, options) {
			const prefix = unique('pod');
			const made = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
			await Promise.all(made.map((name, index) => cluster.create(pod(name, names[index % names.length] ?? '', options))));
			return made;
		},
		async [Symbol.asyncDispose]() {
			child.kill('SIGKILL');
			await ended;
			await cluster.call('DELETE', `/api/v1/nodes?labelSelector=kwok%3D${mark}`);
		},
	};
}

const room = { cpu: '64', memory: '256Gi', pods: '1000' };

const node = (name: string, mark: string): Manifest => ({
	apiVersion: 'v1',
	kind: 'Node',
	metadata: { name, annotations: { 'kwok.x-k8s.io/node': mark }, labels: { 'kubernetes.io/hostname': name, kwok: mark } },
	status: { capacity: room, allocatable: room },
});

const pod = (name: string, nodeName: string, { namespace, labels = {}, container = 'querynode', crash }: PodOptions): Manifest => ({
	apiVersion: 'v1',
	kind: 'Pod',
	metadata: { name, namespace, labels, ...(crash && { annotations: crashAnnotations(crash) }) },
	spec: { nodeName, containers: [{ name: container, image: 'milvusdb/milvus:v2.6.15' }] },
});
