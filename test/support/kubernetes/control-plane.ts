import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { describeUnless } from '../needed.ts';
import { type Cluster, clusterOf } from './cluster.ts';
import { type Keeper, keeper } from './keeper.ts';

export type ControlPlane = Cluster &
	AsyncDisposable & {
		/** Ends the API server from one moment to the next. */
		stopApi(): Promise<void>;
		/** Starts it again, on the same data and under the same address, and waits until it is ready. */
		startApi(): Promise<void>;
		/** Lets it take connections, and answer nothing. */
		pauseApi(): Promise<void>;
		resumeApi(): Promise<void>;
		/** Makes etcd forget what was before now: after the next start of the API server, whoever wants to go on from there gets `410 Gone`. */
		forgetHistory(): Promise<void>;
		/** Its processes that live. */
		processes(): readonly number[];
	};

/** Tests that need Kubernetes: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export const describeKubernetes = (name: string, tests: () => void): void =>
	describeUnless(name, inject('kubernetes').missing, { timeout: 120_000 }, tests);

let shared: Promise<Cluster> | undefined;

/**
 * The control plane that all test files have in common, started when the first asks for it. A test works in namespaces of its own, and makes no
 * other watch over objects of all namespaces than one that can bear those of strangers.
 */
export function sharedControlPlane(): Promise<Cluster> {
	shared ??= (async () => {
		const { kubeconfig, error } = JSON.parse(await text(connect(inject('kubernetes').socket)));
		if (error !== undefined) throw new Error(error);
		return clusterOf(kubeconfig);
	})();
	return shared;
}

/** A control plane of one's own, in 4 s, or more where there is much to do: for tests that stop it. It ends when this process ends, however that is. */
export async function controlPlane(): Promise<ControlPlane> {
	const kept = await keeper('control-plane.sh');
	return controlPlaneOf(kept, kept.folder);
}

/** @param folder of control-plane.sh */
export function controlPlaneOf(kept: Keeper, folder: string): ControlPlane {
	return {
		...clusterOf(join(folder, 'admin.conf')),
		stopApi: () => kept.step('stop'),
		startApi: () => kept.step('start'),
		pauseApi: () => kept.step('pause'),
		resumeApi: () => kept.step('resume'),
		forgetHistory: () => forgetHistory(join(folder, 'etcd.sock')),
		processes: kept.processes,
		[Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
	};
}

/** Speaks to etcd as its gateway for JSON does: api/etcdserverpb/rpc.proto. */
async function forgetHistory(socketPath: string): Promise<void> {
	async function ask(path: string, body: object): Promise<{ header: { revision: string } }> {
		const sent = request({ socketPath, path, method: 'POST' });
		sent.end(JSON.stringify(body));
		const [response] = (await once(sent, 'response')) as [IncomingMessage];
		const answer = await text(response);
		if (response.statusCode !== 200) throw new Error(`etcd: ${path}: ${answer}`);
		return JSON.parse(answer);
	}
	const { header } = await ask('/v3/kv/range', { key: Buffer.from('/').toString('base64') });
	await ask('/v3/kv/compaction', { revision: header.revision, physical: true });
}
