import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Cluster, connect, resource, type Timing } from '../../src/drivers/kubernetes/kubernetes.ts';
import { temporaryFolder } from '../support/crash.ts';
import { freezingProxy } from '../support/freezing-proxy.ts';
import { followed } from '../support/informed.ts';
import { type ControlPlane, controlPlane, describeKubernetes } from '../support/kubernetes/control-plane.ts';

const soon = { firstDelayMs: 50, longestDelayMs: 500 };
const limit = { timeout: 30_000 };

describeKubernetes('an informer of an API server', () => {
	test('that is stopped and started again misses nothing, and tells nothing twice', async () => {
		await using at = await somewhere();
		await at.make('a', 'b');
		await using informed = at.informer(at.throughProxy);
		await expect.poll(() => informed.told, limit).toHaveLength(1);
		const told: string[][] = [];
		for (const [made, changed] of [
			['c', 'a'],
			['d', 'b'],
		] as const) {
			const before = informed.changes().length;
			at.proxy.freeze();
			at.proxy.cut();
			await at.plane.stopApi();
			await expect.poll(() => informed.told.at(-1), limit).toMatch(/^unavailable/);
			await at.plane.startApi();
			// Before it may come back.
			await at.make(made);
			await at.change(changed);
			at.proxy.thaw();
			await expect.poll(() => informed.changes().length, limit).toBeGreaterThanOrEqual(before + 2);
			// In the order in which it happened, or listed: an API server that just started remembers little.
			told.push(informed.changes().slice(before).toSorted());
		}
		await at.remove('a');
		await expect.poll(() => informed.told.at(-1), limit).toBe('-a');
		expect(told).toEqual([
			['+c', '~a'],
			['+d', '~b'],
		]);
		expect(informed.changes()).toHaveLength(5);
	});

	test('that has forgotten what was is told the differences', async () => {
		await using at = await somewhere();
		await at.make('same', 'changed', 'gone', 'anew');
		await using informed = at.informer(at.throughProxy);
		await expect.poll(() => informed.told, limit).toHaveLength(1);
		at.proxy.freeze();
		await at.change('changed');
		await at.make('new', 'passing');
		await at.remove('gone', 'anew', 'passing');
		await at.make('anew');
		await at.plane.stopApi();
		await at.plane.forgetHistory();
		await at.plane.startApi();
		at.proxy.cut();
		at.proxy.thaw();
		await expect.poll(() => informed.changes().length, limit).toBe(5);
		expect(informed.changes().slice(0, 2).toSorted()).toEqual(['-anew', '-gone']);
		expect(informed.changes().slice(2).toSorted()).toEqual(['+anew', '+new', '~changed']);
		await at.change('same');
		await expect.poll(() => informed.told.at(-1), limit).toBe('~same');
	});

	test('behind a network that was cut without a word notices it, and heals', async () => {
		await using at = await somewhere();
		await using informed = at.informer(at.throughProxy, { idleLimitMs: 2_000 });
		await expect.poll(() => informed.told, limit).toHaveLength(1);
		await at.make('a');
		await expect.poll(() => informed.changes(), limit).toEqual(['+a']);
		at.proxy.freeze();
		await at.change('a');
		await at.make('b');
		await expect.poll(() => informed.told.at(-1), limit).toMatch(/no sign of life for 2 s$/);
		// What is tried meanwhile hangs as well, and ends by itself.
		await expect.poll(() => informed.told.at(-1), limit).toMatch(/no answer for 3 s$/);
		at.proxy.thaw();
		await expect.poll(() => informed.changes(), limit).toEqual(['+a', '~a', '+b']);
	});

	test('that hangs while its connections stand notices it, and heals', async () => {
		await using at = await somewhere();
		await using informed = at.informer(at.cluster, { idleLimitMs: 2_000 });
		await expect.poll(() => informed.told, limit).toHaveLength(1);
		await at.make('a');
		await expect.poll(() => informed.changes(), limit).toEqual(['+a']);
		await at.plane.pauseApi();
		await expect.poll(() => informed.told.at(-1), limit).toMatch(/no answer for 3 s$/);
		await at.plane.resumeApi();
		await at.make('b');
		await expect.poll(() => informed.changes(), limit).toEqual(['+a', '+b']);
	});

	test('lists on, as it is now, when the API server has forgotten where its pages began', async () => {
		await using at = await somewhere();
		const names = Array.from({ length: 30 }, (_, index) => `m${String(index).padStart(2, '0')}`);
		await at.make(...names);
		const found: string[] = [];
		for await (const { metadata } of at.cluster.list(at.path, { ...at.selection, pageSize: 10 })) {
			found.push(metadata.name);
			if (found.length > 1) continue;
			await at.change('m29');
			await at.plane.stopApi();
			await at.plane.forgetHistory();
			await at.plane.startApi();
		}
		expect(found).toEqual(names);
		expect(at.count('list configmaps 410')).toBe(1);
	});
});

let shared: Promise<ControlPlane> | undefined;
afterAll(() => shared?.then((plane) => plane[Symbol.asyncDispose]()));

/** A namespace of a control plane that these tests have for themselves, once directly and once through a network that can fail. */
async function somewhere() {
	shared ??= controlPlane();
	const plane = await shared;
	const stack = new AsyncDisposableStack();
	const { name: namespace } = stack.use(await plane.namespace());
	const folder = stack.use(await temporaryFolder()).path;
	const proxy = stack.use(await freezingProxy(plane.kubeconfig, join(folder, 'config')));
	const requests: string[] = [];
	const connected = async (kubeconfig: string): Promise<Cluster> =>
		stack.use(
			await connect({
				kubeconfig,
				environment: {},
				timeoutMs: 3_000,
				onRequest: ({ verb, resource, status }) => requests.push(`${verb} ${resource} ${status}`),
			}),
		);
	const path = resource('v1', 'configmaps', namespace);
	// A namespace gets a ConfigMap of its own, at some time.
	const selection = { labelSelector: 'mine=yes' };
	let changes = 0;
	return {
		plane,
		proxy,
		path,
		selection,
		cluster: await connected(plane.kubeconfig),
		throughProxy: await connected(proxy.kubeconfig),
		informer: (cluster: Cluster, timing: Partial<Timing> = {}) => followed(cluster, { ...selection, path, timing: { ...soon, ...timing } }),
		count: (request: string) => requests.filter((one) => one === request).length,
		async make(...names: readonly string[]) {
			for (const name of names)
				await plane.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: { mine: 'yes' } } });
		},
		async change(name: string) {
			await plane.call('PATCH', `${path}/${name}`, { data: { changes: String(changes++) } });
		},
		async remove(...names: readonly string[]) {
			for (const name of names) await plane.call('DELETE', `${path}/${name}`);
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}
