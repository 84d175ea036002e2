import { expect, test } from 'vitest';
import { pathOf, type Stored } from '../support/kubernetes/api.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { operatorStandIn, type StandInOptions } from '../support/kubernetes/operator-stand-in.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';
import { isPresent, presentIn } from '../support/kubernetes/present.ts';

// Kubernetes looks for new kinds of objects whose owners go every 30 s only.
const inTime = { timeout: 100_000 };
const all = 'deployments,replicasets,pods,services,configmaps,secrets,persistentvolumeclaims,statefulsets,milvuses,milvusclusters';

/** A namespace with an operator that cares for it. */
async function scene(options: Omit<StandInOptions, 'namespace'> = {}, on?: Cluster) {
	await using stack = new AsyncDisposableStack();
	const cluster = on ?? (await sharedControlPlane());
	const namespace = stack.use(await cluster.namespace()).name;
	const operator = stack.use(await operatorStandIn(cluster, { namespace, ...options }));
	const kept = stack.move();
	const now = (object: Stored) =>
		isPresent(cluster, { ...object, ...object.metadata, namespace }).then((is) => (is ? cluster.read(object) : undefined));
	return {
		...{ cluster, namespace, operator, now },
		present: (kinds = all) => presentIn(cluster, namespace, kinds),
		remove: (object: Stored) => cluster.call('DELETE', pathOf(object), { preconditions: { uid: object.metadata.uid } }),
		/** Lets a pod do nothing but crash. */
		async crash(pod: Stored) {
			const kubelet = playKubelet(cluster, pod);
			await kubelet.run();
			await kubelet.crash({ exitCode: 139 }, undefined, 18);
			await kubelet.end({ exitCode: 139 });
			await kubelet.backOff();
		},
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}

const first = <T>([one]: readonly T[]): T => one ?? expect.fail('there is none');

// What is expected here was seen of the real operator.
describeKubernetes('what stands in for the Milvus operator', () => {
	test('makes of a Milvus what the operator makes, and says how it is', async () => {
		await using here = await scene();
		const { pods, workloads, milvus } = await here.operator.instance({ namespace: here.namespace, name: 'a', mode: 'cluster' });
		expect(workloads.map(({ metadata, spec }) => `${metadata.name} ${spec.replicas}`).toSorted()).toEqual([
			...['a-milvus-datanode 1', 'a-milvus-mixcoord 1', 'a-milvus-proxy 1', 'a-milvus-querynode-0 1', 'a-milvus-querynode-1 0'],
			...['a-milvus-standalone 0', 'a-milvus-streamingnode 1'],
		]);
		expect(workloads[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'Milvus', uid: milvus.metadata.uid, controller: true }]);
		expect(await here.present('services,configmaps')).toEqual(['ConfigMap a', 'Service a-milvus']);
		expect((await here.cluster.read(milvus)).metadata).toMatchObject({
			...{ finalizers: ['milvus.milvus.io/finalizer'], labels: { 'milvus.io/operator-version': '1.3.8' } },
			annotations: { 'milvus.io/querynode-current-group-id': '0' },
		});
		const status = async () => (await here.cluster.read(milvus)).status;
		await expect.poll(status, inTime).toMatchObject({ status: 'Pending' });
		for (const pod of pods) await playKubelet(here.cluster, pod).run();
		await expect.poll(status, inTime).toMatchObject({ status: 'Healthy', conditions: [{ type: 'MilvusReady', status: 'True' }] });
		await here.crash(first(pods));
		const message = expect.stringMatching(/^\[\w+\] not ready, detail: component\[\w+\]: pod\[a-milvus-.*restartCount\[18\]$/);
		await expect
			.poll(status, inTime)
			.toMatchObject({ status: 'Unhealthy', conditions: [{ status: 'False', reason: 'MilvusComponentNotHealthy', message }] });
	});

	test('clears up behind a Milvus that does nothing but crash, and leaves what a user made', async () => {
		await using here = await scene();
		const { pods, milvus } = await here.operator.instance({ namespace: here.namespace, name: 'a', mode: 'standalone' });
		await here.cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'of-the-user', namespace: here.namespace } });
		await here.crash(first(pods));
		await here.remove(milvus);
		await expect.poll(() => here.present(), inTime).toEqual(['Secret of-the-user']);
	});

	test('uninstalls what it depends on where it is told to, and leaves the rest running', async () => {
		await using here = await scene();
		const { milvus } = await here.operator.instance({
			...{ namespace: here.namespace, name: 'c', mode: 'cluster', dependencies: ['etcd', 'minio', 'pulsar'] },
			spec: { etcd: { inCluster: { deletionPolicy: 'Delete', pvcDeletion: true } } },
		});
		await expect.poll(async () => (await here.present('persistentvolumeclaims')).length, inTime).toBe(6);
		const before = (await here.present()).filter((one) => /c-(minio|pulsar)/.test(one));
		expect(before).toContain('Pod c-minio-0');
		await here.remove(milvus);
		await expect.poll(() => here.present(), inTime).toEqual(before);
	});

	test('deletes the volume of a message queue inside of Milvus only where it is told to', async () => {
		await using here = await scene();
		const claimed = async (name: string, pvcDeletion: boolean) => {
			await here.cluster.create({
				...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: `${name}-data`, namespace: here.namespace } },
				spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
			});
			const spec = { msgStreamType: 'woodpecker', woodpecker: { persistence: { enabled: true, pvcDeletion } } } as const;
			return here.operator.instance({ namespace: here.namespace, name, mode: 'standalone', spec });
		};
		for (const { milvus } of [await claimed('a', true), await claimed('b', false)]) await here.remove(milvus);
		await expect.poll(() => here.present(), inTime).toEqual(['PersistentVolumeClaim b-data']);
	});

	test('that is stopped leaves a Milvus in its deletion with all its pods, and goes on with it later', async () => {
		await using here = await scene();
		const { cluster, operator } = here;
		const { milvus, pods } = await operator.instance({ namespace: here.namespace, name: 'a', mode: 'standalone' });
		await here.crash(first(pods));
		await expect.poll(async () => (await cluster.read(milvus)).status.status, inTime).toBe('Unhealthy');
		const before = await here.present();
		await operator.stop();
		expect((await cluster.read(operator.deployment)).status.availableReplicas ?? 0).toBe(0);
		await here.remove(milvus);
		// Kubernetes has taken note: of what was asked for later, something has been done.
		const other = await cluster.create({
			apiVersion: 'v1',
			kind: 'ServiceAccount',
			metadata: { name: 'other', namespace: here.namespace },
		});
		await cluster.call('DELETE', `${pathOf(other)}?propagationPolicy=Foreground`);
		await expect.poll(() => here.now(other), inTime).toBeUndefined();
		const { metadata, status } = await cluster.read(milvus);
		expect(metadata).toMatchObject({ finalizers: ['milvus.milvus.io/finalizer'], deletionTimestamp: expect.any(String) });
		expect([status.status, await here.present()]).toEqual(['Unhealthy', before]);
		expect((await cluster.read(first(pods))).metadata.deletionTimestamp).toBeUndefined();
		await operator.start();
		expect((await cluster.read(operator.deployment)).status.availableReplicas).toBe(1);
		await expect.poll(() => here.present(), inTime).toEqual([]);
	});

	test('does the deletion also where it is told to do nothing', async () => {
		await using here = await scene();
		const { milvus } = await here.operator.instance({ namespace: here.namespace, name: 'a', mode: 'standalone' });
		await here.cluster.call('PATCH', pathOf(milvus), { metadata: { annotations: { 'milvus.io/pause-reconcile': 'true' } } });
		await here.remove(milvus);
		await expect.poll(() => here.present(), inTime).toEqual([]);
	});

	test('makes the Milvus of a MilvusCluster anew at its next resync, and what belongs to it at the one after', async () => {
		await using here = await scene();
		const { milvus, milvusCluster } = await here.operator.instance({
			...{ namespace: here.namespace, name: 'a', mode: 'standalone', ownedByMilvusCluster: true },
		});
		const owner = milvusCluster ?? expect.fail('no MilvusCluster');
		const { metadata, status } = await here.cluster.read(owner);
		expect([metadata.finalizers, status]).toEqual([undefined, undefined]);
		await here.remove(milvus);
		await expect.poll(() => here.present(), inTime).toEqual(['MilvusCluster a']);
		here.operator.resync();
		await expect.poll(() => here.present(), inTime).toEqual(['Milvus a', 'MilvusCluster a']);
		const again = await here.cluster.read(milvus);
		expect(again.metadata.uid).not.toBe(milvus.metadata.uid);
		expect(again.metadata.ownerReferences).toMatchObject([{ kind: 'MilvusCluster', uid: owner.metadata.uid }]);
		await expect.poll(async () => (await here.cluster.read(owner)).status, inTime).toBeDefined();
		expect(await here.present('deployments,services')).toEqual([]);
		here.operator.resync();
		await expect.poll(() => here.present('deployments,services'), inTime).toEqual(['Deployment a-milvus-standalone', 'Service a-milvus']);
	});

	test('looks anew also without being told to', async () => {
		await using here = await scene({ resyncMs: 1_000 });
		const { milvus, workloads } = await here.operator.instance({
			...{ namespace: here.namespace, name: 'a', mode: 'standalone', ownedByMilvusCluster: true },
		});
		await here.remove(milvus);
		const uid = async () => (await here.now(first(workloads)))?.metadata.uid;
		await expect.poll(uid, inTime).not.toBe(first(workloads).metadata.uid);
		await expect.poll(uid, inTime).toBeDefined();
		expect((await here.cluster.read(milvus)).metadata.uid).not.toBe(milvus.metadata.uid);
	});

	test('clears up behind a MilvusCluster, which is gone at once', async () => {
		await using here = await scene();
		const made = await here.operator.instance({
			...{ namespace: here.namespace, name: 'a', mode: 'standalone', ownedByMilvusCluster: true },
		});
		const owner = made.milvusCluster ?? expect.fail('no MilvusCluster');
		await here.remove(owner);
		expect(await here.now(owner)).toBeUndefined();
		await expect.poll(() => here.present(), inTime).toEqual([]);
	});

	test('waits for pods that end slowly', async () => {
		await using here = await scene({ podsTakeMs: 5_000 });
		const { milvus, pods } = await here.operator.instance({ namespace: here.namespace, name: 'a', mode: 'standalone' });
		await here.remove(milvus);
		const ending = async () => (await here.now(first(pods)))?.metadata.deletionTimestamp;
		await expect.poll(ending, inTime).toEqual(expect.any(String));
		const { metadata, status } = await here.cluster.read(milvus);
		expect(status.status).toBe('Deleting');
		expect(metadata.finalizers?.toSorted()).toEqual(['foregroundDeletion', 'milvus.milvus.io/finalizer']);
		await expect.poll(() => here.present(), inTime).toEqual([]);
	});

	test('goes on where it was when the API server has been away', { timeout: 240_000 }, async () => {
		await using cluster = await controlPlane();
		await using here = await scene({}, cluster);
		const { milvus } = await here.operator.instance({ namespace: here.namespace, name: 'a', mode: 'standalone' });
		await cluster.stopApi();
		await expect(here.present()).rejects.toThrow();
		await cluster.startApi();
		await here.remove(milvus);
		await expect.poll(() => here.present(), inTime).toEqual([]);
	});

	test('leaves a namespace that can go, whatever was there', async () => {
		const cluster = await sharedControlPlane();
		let name = '';
		{
			await using here = await scene();
			name = here.namespace;
			const { milvus } = await here.operator.instance({ namespace: name, name: 'a', mode: 'standalone' });
			await here.operator.stop();
			await here.remove(milvus);
		}
		const namespace = { apiVersion: 'v1', kind: 'Namespace', name };
		await expect.poll(() => isPresent(cluster, namespace), inTime).toBe(false);
	});
});
