import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { faultyProxy } from '../support/s3/proxy.ts';
import { s3Server } from '../support/s3/server.ts';
import { deliverTo, soakCore } from './cores.ts';
import { judge } from './judge.ts';
import { settled } from './kills.ts';
import { soakNode } from './node.ts';
import { observe } from './observer.ts';
import { bucketOf } from './stores.ts';

export type OutageOptions = {
	/** The file of the agent: `scripts/bundle.ts`. */
	readonly program: string;
	readonly outageMs: number;
	readonly cores: number;
	readonly seed: number;
	readonly signal?: AbortSignal;
};

export type Outage = {
	readonly seconds: number;
	/** Connections that the agent began while the server was away; each is one request at most. */
	readonly connections: number;
	/** How often its metrics were asked for, and the longest that an answer took. */
	readonly asked: number;
	readonly slowestMs: number;
	/** The most memory that was its own before, while the server was away, and from then on until everything was stored, in bytes. */
	readonly memory: { readonly before: number; readonly away: number; readonly after: number };
	/** From the server's return until everything was stored. */
	readonly recoverySeconds: number;
	readonly problems: readonly string[];
};

/** Stops a store, brings cores in even steps meanwhile, and starts it again. */
export async function outage({ program, outageMs, cores, seed, signal }: OutageOptions): Promise<Outage> {
	await using server = await s3Server();
	await using proxy = await faultyProxy(server.port);
	const store = { ...bucketOf(server, proxy.endpoint), [Symbol.asyncDispose]: async () => {} };
	await using node = await soakNode(program, store);
	const agent = node.start();
	await agent.line('storage is ready');
	const { metrics } = await agent.line('listening');
	const before = anonymousBytes(agent.pid);
	await server.kill();

	const connectionsBefore = proxy.connections();
	const from = performance.now();
	const end = from + outageMs;
	let asked = 0;
	let slowestMs = 0;
	let given = 0;
	let away = 0;
	while (performance.now() < end || given < cores) {
		signal?.throwIfAborted();
		for (; given < cores && given * outageMs < cores * (performance.now() - from); given++) deliverTo(node.cores, soakCore(seed, given));
		const start = performance.now();
		const answer = await fetch(`http://127.0.0.1:${metrics}/metrics`, { signal: AbortSignal.timeout(10_000) });
		await answer.text();
		slowestMs = Math.max(slowestMs, performance.now() - start);
		asked++;
		away = Math.max(away, anonymousBytes(agent.pid));
		await delay(100);
	}
	const seconds = (performance.now() - from) / 1000;
	const connections = proxy.connections() - connectionsBefore;

	await server.start();
	const back = performance.now();
	const observer = observe(store);
	let after = 0;
	{
		using _sampling = every(100, () => {
			after = Math.max(after, anonymousBytes(agent.pid));
		});
		await settled(node, cores, signal);
	}
	const recoverySeconds = (performance.now() - back) / 1000;
	await agent.stop();
	await observer.stop();
	const problems = await judge(store, [{ node, count: cores, core: (index) => soakCore(seed, index) }], observer);
	return { seconds, connections, asked, slowestMs, memory: { before, away, after }, recoverySeconds, problems };
}

/** proc_pid_status(5). */
const anonymousBytes = (pid: number) => Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

function every(ms: number, work: () => void): Disposable {
	const timer = setInterval(work, ms);
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
