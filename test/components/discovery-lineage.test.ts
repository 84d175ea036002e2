import { describe, expect, test } from 'vitest';
import { createLineages, type LineageOptions } from '../../src/components/discovery/lineage.ts';
import { createPatience } from '../../src/components/discovery/patience.ts';
import { type KubernetesObject, KubernetesRefused, KubernetesUnavailable } from '../../src/drivers/kubernetes/kubernetes.ts';

type Owner = { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };
const owner = (apiVersion: string, kind: string, name: string): Owner => ({ apiVersion, kind, name, uid: `uid-${name}` });
const set = owner('apps/v1', 'ReplicaSet', 'b-milvus-proxy-5d9c');
const deployment = owner('apps/v1', 'Deployment', 'b-milvus-proxy');
const milvus = owner('milvus.io/v1beta1', 'Milvus', 'b');
const cluster = owner('milvus.io/v1alpha1', 'MilvusCluster', 'b-cluster');
const chain = [set, deployment, milvus, cluster];

const pathOf = ({ apiVersion, kind, name }: Owner) => {
	const plural = `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`;
	return `/apis/${apiVersion}/namespaces/a/${plural}/${name}`;
};

/** An API that has these objects, each owned by the next, and remembers what it was asked. */
function api(owners: readonly Owner[], options: Partial<LineageOptions> = {}) {
	const clock = { now: 0 };
	const asked: string[] = [];
	const told: string[] = [];
	const objects = new Map<string, KubernetesObject | Error>(
		owners.map((one, index) => {
			const above = owners[index + 1];
			const ownerReferences = above ? [{ ...above, controller: true }] : [];
			return [pathOf(one), { metadata: { name: one.name, uid: one.uid, resourceVersion: '1', labels: { of: one.name }, ownerReferences } }];
		}),
	);
	const lineageOf = createLineages({
		lookUp: async (path) => {
			asked.push(path);
			const found = objects.get(path);
			if (found instanceof Error) throw found;
			return found;
		},
		onUnknown: (what, reason) => told.push(`${what}: ${reason}`),
		now: () => clock.now,
		...options,
	});
	return { clock, asked, told, objects, lineageOf };
}

const names = ({ ancestors }: { readonly ancestors: readonly { readonly kind: string; readonly name: string }[] }) =>
	ancestors.map(({ kind, name }) => `${kind} ${name}`);
const hour = 3600_000;

describe('who owns a pod', () => {
	test('is followed to the top, and asked once for all pods of an owner', async () => {
		const { lineageOf, asked, clock } = api(chain);
		const [first, second] = await Promise.all([lineageOf({ namespace: 'a', owner: set }), lineageOf({ namespace: 'a', owner: set })]);
		expect(names(first)).toEqual(['ReplicaSet b-milvus-proxy-5d9c', 'Deployment b-milvus-proxy', 'Milvus b', 'MilvusCluster b-cluster']);
		expect(first).toMatchObject({ isComplete: true, ancestors: [{ labels: { of: set.name } }, {}, {}, {}] });
		expect(second).toEqual(first);
		expect(asked).toEqual(chain.map(pathOf));
		clock.now = hour - 1;
		expect(await lineageOf({ namespace: 'a', owner: set })).toEqual(first);
		expect(asked).toHaveLength(4);
		clock.now = hour;
		await lineageOf({ namespace: 'a', owner: set });
		expect(asked).toHaveLength(8);
	});

	test('is asked only as far as it is not known from another component of the instance', async () => {
		const other = { ...owner('apps/v1', 'Deployment', 'b-milvus-datanode') };
		const { lineageOf, asked, objects } = api(chain);
		objects.set(pathOf(other), {
			metadata: { name: other.name, uid: other.uid, resourceVersion: '1', ownerReferences: [{ ...milvus, controller: true }] },
		});
		await lineageOf({ namespace: 'a', owner: set });
		const lineage = await lineageOf({ namespace: 'a', owner: other });
		expect(names(lineage)).toEqual(['Deployment b-milvus-datanode', 'Milvus b', 'MilvusCluster b-cluster']);
		expect(asked).toEqual([...chain.map(pathOf), pathOf(other)]);
	});

	test('is nobody for a pod without an owner, and ends with a kind that nobody asks for', async () => {
		const { lineageOf, asked } = api([]);
		expect(await lineageOf({ namespace: 'a', owner: undefined })).toEqual({ ancestors: [], isComplete: true });
		const job = owner('batch/v1', 'Job', 'j');
		expect(await lineageOf({ namespace: 'a', owner: job })).toMatchObject({ isComplete: true, ancestors: [{ kind: 'Job' }] });
		const forged = owner('example.com/v1', 'Deployment', 'd');
		expect(names(await lineageOf({ namespace: 'a', owner: forged }))).toEqual(['Deployment d']);
		for (const [apiVersion, name] of [
			['apps/v1', '..'],
			['apps/v1', '../x'],
			['apps/..', 'd'],
			['apps', 'd'],
			['apps/v1/v2', 'd'],
			['', ''],
		] as const)
			expect(await lineageOf({ namespace: 'a', owner: owner(apiVersion, 'ReplicaSet', name) })).toMatchObject({ isComplete: true });
		expect(asked).toEqual([]);
	});

	test('is not known where an owner is gone, or another object has its name', async () => {
		const { lineageOf, objects, asked, told, clock } = api(chain);
		objects.set(pathOf(deployment), { metadata: { name: deployment.name, uid: 'uid-of-another', resourceVersion: '1' } });
		const lineage = await lineageOf({ namespace: 'a', owner: set });
		expect(lineage.isComplete).toBe(false);
		expect(names(lineage)).toEqual(['ReplicaSet b-milvus-proxy-5d9c', 'Deployment b-milvus-proxy']);
		expect(lineage.ancestors[1]).toMatchObject({ labels: {}, annotations: {} });
		expect(told).toEqual([]);
		await lineageOf({ namespace: 'a', owner: set });
		expect(asked).toHaveLength(2);
		clock.now = 60_000;
		await lineageOf({ namespace: 'a', owner: set });
		expect(asked).toHaveLength(4);
	});

	test('stays what it was when it is gone', async () => {
		const { lineageOf, objects, clock } = api(chain);
		const before = await lineageOf({ namespace: 'a', owner: set });
		objects.clear();
		clock.now = hour;
		expect(await lineageOf({ namespace: 'a', owner: set })).toEqual(before);
	});

	test('is told once not to be known, and found as soon as the API tells', async () => {
		const { lineageOf, objects, told, asked, clock } = api(chain);
		const known = objects.get(pathOf(deployment));
		objects.set(pathOf(deployment), new KubernetesRefused('deployments.apps is forbidden', { status: 403 }));
		for (let minute = 0; minute < 3; minute++) {
			clock.now = minute * 60_000;
			expect(names(await lineageOf({ namespace: 'a', owner: set }))).toEqual([
				'ReplicaSet b-milvus-proxy-5d9c',
				'Deployment b-milvus-proxy',
			]);
			await lineageOf({ namespace: 'a', owner: set });
		}
		expect(told).toEqual(['Deployment a/b-milvus-proxy: deployments.apps is forbidden']);
		expect(asked).toHaveLength(6);
		if (known) objects.set(pathOf(deployment), known);
		clock.now += 60_000;
		expect(await lineageOf({ namespace: 'a', owner: set })).toMatchObject({ isComplete: true });
	});

	test('is an error for who wants to hear of it', async () => {
		const { objects, asked } = api(chain);
		objects.set(pathOf(set), new KubernetesUnavailable('no answer'));
		const lineageOf = createLineages({
			lookUp: async (path) => {
				asked.push(path);
				throw new KubernetesUnavailable('no answer');
			},
		});
		await expect(lineageOf({ namespace: 'a', owner: set })).rejects.toThrow('no answer');
		await expect(lineageOf({ namespace: 'a', owner: set })).rejects.toThrow('no answer');
		expect(asked).toHaveLength(2);
	});

	test('is not followed in a circle for ever', async () => {
		const { lineageOf, asked } = api([set, deployment, set]);
		const lineage = await lineageOf({ namespace: 'a', owner: set });
		expect(lineage.ancestors.length).toBeLessThan(10);
		expect(asked.length).toBeLessThan(10);
		await lineageOf({ namespace: 'a', owner: deployment });
		expect(asked.length).toBeLessThan(20);
	});

	test('is forgotten when there are too many', async () => {
		const { lineageOf, objects, asked } = api([]);
		const many = Array.from({ length: 1_001 }, (_, index) => owner('apps/v1', 'StatefulSet', `s${index}`));
		for (const one of many) {
			objects.set(pathOf(one), { metadata: { name: one.name, uid: one.uid, resourceVersion: '1' } });
			await lineageOf({ namespace: 'a', owner: one });
		}
		await lineageOf({ namespace: 'a', owner: many[1] });
		expect(asked).toHaveLength(1_001);
		await lineageOf({ namespace: 'a', owner: many[0] });
		expect(asked).toHaveLength(1_002);
	});
});

describe('patience', () => {
	const slow = (clock: { now: number }, ms: number, error: Error) => async () => {
		clock.now += ms;
		throw error;
	};

	test('ends with an answer that took long and said nothing, and comes back', async () => {
		const clock = { now: 0 };
		const ask = createPatience(() => clock.now);
		await expect(ask(slow(clock, 30_000, new KubernetesUnavailable('no answer for 30s')))).rejects.toThrow('no answer for 30s');
		const asked: string[] = [];
		const quick = async () => {
			asked.push('asked');
			return 'answer';
		};
		clock.now = 59_999;
		await expect(ask(quick)).rejects.toThrow(new KubernetesUnavailable('no answer for 30s (not asked again for now)'));
		expect(asked).toEqual([]);
		clock.now = 60_000;
		expect(await ask(quick)).toBe('answer');
	});

	test('does not end with what is refused at once, nor with a mistake of our own', async () => {
		const clock = { now: 0 };
		const ask = createPatience(() => clock.now);
		await expect(ask(slow(clock, 1_999, new KubernetesRefused('forbidden')))).rejects.toThrow('forbidden');
		await expect(ask(slow(clock, 30_000, new TypeError('a bug')))).rejects.toThrow('a bug');
		expect(await ask(async () => 'answer')).toBe('answer');
	});
});
