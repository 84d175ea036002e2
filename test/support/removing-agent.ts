import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { installation } from './agent.ts';
import { type Held, holdingProxy, type Moment, type Passing } from './holding-proxy.ts';
import type { Cluster } from './kubernetes/cluster.ts';

/** A Lease is waited for, and a minute for what another has begun. */
const inTime = { timeout: 180_000, interval: 100 };

type Place = { readonly path: string; readonly namespace: string; readonly agents: string; readonly name: string };

/** An agent that leads or waits to, and removes what does nothing but crash in one namespace, with the helm that is in the path. */
export async function removingAgent(cluster: Cluster, { path, namespace, agents, name }: Place) {
	await using stack = new AsyncDisposableStack();
	const cleaner = { mode: 'enforce', namespaces: [namespace], cleanupDelay: '3s', maxCleanupsPerHour: 10 };
	const home = stack.use(await installation({ cleaner }));
	const way = stack.use(await holdingProxy(cluster.kubeconfig, home.place('kubeconfig')));
	const agent = await home.start(
		{ PATH: path, POD_NAMESPACE: agents, POD_NAME: name, NODE_NAME: 'node-1' },
		[],
		[...['--config', home.config, '--kubeconfig', way.kubeconfig, '--role', 'controller']],
	);
	const kept = stack.move();
	return {
		...{ name, signal: agent.kill, written: way.written },
		says: (words: string) => expect.poll(() => agent.lines.map(({ msg }) => msg).join('\n') + agent.errors(), inTime).toContain(words),
		audited: (words: string) => agent.lines.filter(({ audit }) => audit === words),
		/** Holds it at a step. @returns what waits until it is there */
		hold(moment: Moment, step: keyof typeof steps): () => Promise<Held> {
			const held = way.hold(moment, steps[step]);
			return async () => {
				await expect.poll(held, { ...inTime, message: `${name} stands ${moment} it ${step}` }).toBeDefined();
				return held() as Held;
			};
		},
		/** As a container that ends: all its processes go at once. */
		async kill() {
			const all = [agent.pid, ...childrenOf(agent.pid)];
			for (const pid of all) process.kill(pid, 'SIGKILL');
			await agent.ended;
			await expect.poll(() => all.filter(isAlive), inTime).toEqual([]);
		},
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}

export type RemovingAgent = Awaited<ReturnType<typeof removingAgent>>;

/** Steps of a removal, by what is asked for then. */
const steps = {
	/** It is won. */
	wins: ({ body, path }: Passing) => isStatus(path) && JSON.parse(body).status.phase === 'Running',
	/** What brings it back is saved. */
	saves: ({ method, body }: Passing) => method === 'POST' && body.includes('diagnostics.milvus.io/saved-instance'),
	/** Helm writes that it uninstalls it, which is the first that it does. */
	begins: ({ method, path }: Passing) => method === 'PUT' && /\/secrets\/sh\.helm\.release\./.test(path),
	/** Helm deletes an object of it. */
	deletes: ({ method, path }: Passing) => method === 'DELETE' && /\/(services|deployments|configmaps)\//.test(path),
	/** Helm has ended, and that is written down. */
	ends: ({ body, path }: Passing) => isStatus(path) && /"words":"/.test(body),
} as const;

const isStatus = (path: string) => /\/instancecleanups\/[^/]+\/status$/.test(path);

/** proc_pid_task_children(5) */
const childrenOf = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

function isAlive(pid: number): boolean {
	try {
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
}
