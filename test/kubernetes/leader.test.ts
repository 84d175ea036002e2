import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LeadersWork, leader, type Timing } from '../../src/components/leader/leader.ts';
import { connect, resource } from '../../src/drivers/kubernetes/kubernetes.ts';
import { temporaryFolder } from '../support/crash.ts';
import { freezingProxy } from '../support/freezing-proxy.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { listening } from '../support/telemetry.ts';

const soon = { timeout: 30_000 };
/** A tenth of the usual one. */
const quick: Timing = { lookMs: 1_000, renewMs: 300, termMs: 1_000, leaseMs: 1_500, answerMs: 300 };
const untilSignal: LeadersWork = async (_, signal) => {
	if (!signal.aborted) await once(signal, 'abort');
};

/** Candidates for one Lease, of which it is kept who worked and whether ever two did. */
async function scene(cluster: Cluster) {
	const namespace = await cluster.namespace();
	const name = 'controller';
	const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace.name}/leases/${name}`;
	// Somebody had it before, and has given it back: a Lease that is not there is waited for longer.
	await cluster.create({
		...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
		metadata: { name, namespace: namespace.name },
		spec: { holderIdentity: '' },
	});
	const working: string[] = [];
	/** Who began to work, one after the other. */
	const terms: string[] = [];
	let most = 0;

	async function candidate(identity: string, { kubeconfig = cluster.kubeconfig, timing = quick, work = untilSignal } = {}) {
		const connected = await connect({ kubeconfig, environment: {} });
		const { telemetry, lines } = listening();
		const stop = new AbortController();
		const observed: LeadersWork = async (fenced, signal) => {
			terms.push(identity);
			working.push(identity);
			most = Math.max(most, working.length);
			await work(fenced, signal);
			working.splice(working.indexOf(identity), 1);
		};
		const options = { namespace: namespace.name, name, identity, timing };
		const running = leader({ cluster: connected, telemetry, work: observed, options }).run(stop.signal);
		running.catch(() => {}); // told at the end
		async function end() {
			stop.abort();
			await running;
			connected[Symbol.dispose]();
		}
		return { lines, end, state: () => telemetry.states.get('leader'), [Symbol.asyncDispose]: end };
	}

	return {
		namespace: namespace.name,
		path,
		candidate,
		working: () => working.toSorted(),
		terms,
		/** How many worked at once at the most. */
		most: () => most,
		holder: async () => (await cluster.call('GET', path)).spec?.holderIdentity,
		[Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
	};
}

describeKubernetes('of several processes with one Lease', () => {
	test('one works, the others say who, and when it ends another goes on at once', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		const patient = { timing: { ...quick, leaseMs: 60_000 } };
		await using first = await here.candidate('first', patient);
		await expect.poll(here.working, soon).toEqual(['first']);
		await using second = await here.candidate('second', patient);
		await expect.poll(second.state, soon).toEqual({ ready: true, reason: 'first leads' });
		expect(first.state()).toEqual({ ready: true, reason: 'this agent leads' });
		expect((await cluster.call('GET', here.path)).spec).toMatchObject({
			holderIdentity: 'first',
			leaseDurationSeconds: 60,
			leaseTransitions: 1,
		});
		await first.end();
		await expect.poll(here.working, soon).toEqual(['second']);
		expect(here.most()).toBe(1);
		expect(await here.holder()).toBe('second');
		await second.end();
		expect(await here.holder()).toBe('');
		const last = ['this agent leads no longer: the agent stops', 'the lead is given back: another may take it at once'];
		expect(first.lines.slice(-2).map(({ msg }) => msg)).toEqual(last);
		expect(here.terms).toEqual(['first', 'second']);
	});

	test('the one that is cut off from the API server stops before another begins, and follows when it is back', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		await using folder = await temporaryFolder();
		await using network = await freezingProxy(cluster.kubeconfig, join(folder.path, 'config'));
		await using first = await here.candidate('first', { kubeconfig: network.kubeconfig });
		await expect.poll(here.working, soon).toEqual(['first']);
		await using _second = await here.candidate('second');
		network.freeze();
		await expect.poll(here.working, soon).toEqual(['second']);
		expect(first.lines.map(({ msg }) => msg)).toContain('this agent leads no longer: it was not renewed in time');
		expect(first.state()).toMatchObject({ ready: false, reason: expect.stringMatching(/leases.*no answer in time/) });
		network.cut();
		network.thaw();
		await expect.poll(first.state, soon).toEqual({ ready: true, reason: 'second leads' });
		expect(here.most()).toBe(1);
	});

	test('the Lease is given back when the work has ended, and not before', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		const told = Promise.withResolvers<void>();
		const finish = Promise.withResolvers<void>();
		const slow: LeadersWork = async (fenced, signal) => {
			await untilSignal(fenced, signal);
			told.resolve();
			await finish.promise;
		};
		await using first = await here.candidate('first', { work: slow });
		await expect.poll(here.working, soon).toEqual(['first']);
		const ended = first.end();
		await told.promise;
		expect(await here.holder()).toBe('first');
		finish.resolve();
		await ended;
		expect(await here.holder()).toBe('');
	});

	test('a write after the term is not made, whatever the writer thinks of it', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		await using folder = await temporaryFolder();
		await using network = await freezingProxy(cluster.kubeconfig, join(folder.path, 'config'));
		const written = Promise.withResolvers<unknown>();
		const stubborn: LeadersWork = async (fenced, signal) => {
			await untilSignal(fenced, signal);
			network.cut();
			network.thaw();
			const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' } };
			written.resolve(await fenced.create(resource('v1', 'configmaps', here.namespace), body).catch((error) => error));
		};
		await using _first = await here.candidate('first', { kubeconfig: network.kubeconfig, work: stubborn });
		await expect.poll(here.working, soon).toEqual(['first']);
		network.freeze();
		expect(await written.promise).toMatchObject({ message: 'this process leads no longer' });
		const maps = await cluster.list(`/api/v1/namespaces/${here.namespace}/configmaps`);
		expect(maps.map(({ metadata }) => metadata.name)).not.toContain('late');
	});

	test('a Lease that somebody deletes changes nothing, and one that is not there is waited for', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		await using _first = await here.candidate('first');
		await expect.poll(here.working, soon).toEqual(['first']);
		await using second = await here.candidate('second');
		await expect.poll(second.state, soon).toMatchObject({ reason: 'first leads' });
		const { uid } = (await cluster.call('DELETE', here.path)).metadata ?? {};
		await expect.poll(() => here.holder().catch(() => 'nobody'), soon).toBe('first');
		expect((await cluster.call('GET', here.path)).metadata.uid).not.toBe(uid);
		expect(here.terms).toEqual(['first']);
	});

	test('what fails in the work ends the process, and is no reason to hold the Lease', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		const connected = await connect({ kubeconfig: cluster.kubeconfig, environment: {} });
		const { telemetry } = listening();
		const work: LeadersWork = async () => {
			throw new Error('a bug');
		};
		const options = { namespace: here.namespace, name: 'controller', identity: 'first', timing: quick };
		await expect(leader({ cluster: connected, telemetry, work, options }).run(new AbortController().signal)).rejects.toThrow('a bug');
		connected[Symbol.dispose]();
		await using _second = await here.candidate('second');
		await expect.poll(here.working, soon).toEqual(['second']);
	});

	test('one that may not use Leases says so', async () => {
		const cluster = await sharedControlPlane();
		await using here = await scene(cluster);
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace: here.namespace } });
		await using only = await here.candidate('only', { kubeconfig: await cluster.kubeconfigOf(here.namespace, 'nobody') });
		await expect.poll(only.state, soon).toMatchObject({
			ready: false,
			reason: expect.stringMatching(/^can't get leases.coordination.k8s.io .*cannot get resource "leases"/),
		});
		expect(here.terms).toEqual([]);
	});
});

describeKubernetes('an API server that goes away', () => {
	test('ends the work of the leader; when it is back, one leads again, and never two did', async () => {
		await using plane = await controlPlane();
		await using here = await scene(plane);
		await using _first = await here.candidate('first');
		await using _second = await here.candidate('second');
		await using _third = await here.candidate('third');
		await expect.poll(here.working, soon).toHaveLength(1);
		for (const [leave, comeBack] of [
			[plane.stopApi, plane.startApi],
			[plane.pauseApi, plane.resumeApi],
		] as const) {
			await leave();
			await expect.poll(here.working, soon).toEqual([]);
			await comeBack();
			await expect.poll(here.working, soon).toHaveLength(1);
		}
		expect(here.most()).toBe(1);
	});
});
