import { expect, test } from 'vitest';
import { objectNameOf } from '../../src/domain/cleanup-object/cleanup-object.ts';
import type { Contents } from '../../src/domain/contents.ts';
import { cleaning } from '../support/cleaning.ts';
import { crashReports } from '../support/crash-reports.ts';
import { pathOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { crashLoop } from '../support/kubernetes/crash-loop.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { operatorPod } from '../support/kubernetes/operator-stand-in/operator-pod.ts';
import { unmanagedPod } from '../support/kubernetes/unmanaged-pod.ts';

const soon = { timeout: 30_000 };
const kept = { 'diagnostics.milvus.io/keep': 'true' };

describeKubernetes('the cleaner', () => {
	const own = ownControlPlane();

	const collection = (namespace: string) => `/apis/diagnostics.milvus.io/v1alpha1/namespaces/${namespace}/instancecleanups`;

	/** A namespace with a release of one pod that does nothing but crash. */
	async function scene(release = 'search', { isCrashing = true } = {}) {
		const { cluster } = own;
		const reports = await crashReports(cluster);
		const { namespace } = reports;
		const made = await helmRelease(cluster, { namespace, release, chart: 'milvus-5.0.19', components: { standalone: 1 } });
		const [pod] = made.pods as [Stored];
		const [deployment] = made.workloads as [Stored];
		const loop = (crashes?: number) =>
			crashLoop(cluster, { reports, pod, instance: { name: release, kind: 'helm' }, first: 0, ...(crashes !== undefined && { crashes }) });
		const kubelet = isCrashing ? await loop() : undefined;
		const all = () => cluster.list(collection(namespace));
		return {
			...{ cluster, reports, namespace, pod, deployment, loop, all },
			kubelet: () => kubelet ?? expect.fail('nothing crashes'),
			/** The only one there is. */
			one: async () => (await all())[0] ?? expect.fail('there is none'),
			phase: async () => (await all())[0]?.status?.phase,
			annotate: (object: Stored, annotations: Readonly<Record<string, string | null>>) =>
				cluster.call('PATCH', pathOf(object), { metadata: { annotations } }),
			[Symbol.asyncDispose]: async () => {
				await cluster.call('DELETE', collection(namespace));
				await reports[Symbol.asyncDispose]();
			},
		};
	}

	test('says nothing of an instance that crashes seldom, nor of crashes that its pods do not show', async () => {
		await using rare = await scene('rare', { isCrashing: false });
		await rare.loop(5);
		await using forged = await scene('forged', { isCrashing: false });
		const place = { pod: forged.pod.metadata.name, podUid: forged.pod.metadata.uid, instance: 'forged', container: 'standalone' };
		for (let index = 0; index < 9; index++) await forged.reports.ended(index, [new Date()], { ...place, component: 'standalone' });
		await using running = await cleaning(own.cluster.kubeconfig);
		await expect.poll(running.looks, soon).toBeGreaterThan(5);
		expect([await rare.all(), await forged.all()]).toEqual([[], []]);
		await forged.reports.ended(20, [new Date()], { ...place, instance: 'nowhere', pod: 'nowhere' });
		await expect.poll(running.looks, soon).toBeGreaterThan(10);
		expect(running.writes()).toEqual([]);
		expect(running.state()).toMatchObject({ ready: true });
	});

	test('goes the same way once, also where two believe to lead, and writes only what is new', async () => {
		await using scenery = await scene();
		await using one = await cleaning(own.cluster.kubeconfig, { delayMs: 1_000 });
		await using other = await cleaning(own.cluster.kubeconfig, { delayMs: 1_000 });
		await expect.poll(scenery.phase, soon).toBe('DryRun');
		const { metadata, spec, status } = await scenery.one();
		expect(await scenery.all()).toHaveLength(1);
		expect(metadata.name).toBe(objectNameOf({ name: 'search', kind: 'helm' }, scenery.deployment.metadata.uid));
		expect(spec.target.workload.name).toBe(scenery.deployment.metadata.name);
		expect(status.transitions.map(({ phase }: { phase: string }) => phase)).toEqual(['Pending', 'DryRun']);
		expect([...one.turns(), ...other.turns()].toSorted()).toEqual(['search DryRun', 'search Pending']);
		const events = await scenery.cluster.list(`/api/v1/namespaces/${scenery.namespace}/events?fieldSelector=source=milvus-coredump-agent`);
		expect(events.map(({ reason, type, involvedObject: { uid } }) => [reason, type, uid]).toSorted()).toEqual(
			['CleanupDryRun', 'CleanupPending'].map((reason) => [reason, 'Warning', scenery.deployment.metadata.uid]),
		);
		expect(events[0]?.message).toContain(`to keep it: kubectl -n ${scenery.namespace} annotate deployment search-milvus-standalone`);
		const [written, looks] = [one.writes().length + other.writes().length, one.looks()];
		await expect.poll(one.looks, soon).toBeGreaterThan(looks + 5);
		expect(one.writes().length + other.writes().length).toBe(written);
		expect((await scenery.one()).metadata.resourceVersion).toBe(metadata.resourceVersion);
	});

	test('counts on as it goes on', async () => {
		await using scenery = await scene();
		await using _running = await cleaning(own.cluster.kubeconfig);
		await expect.poll(scenery.phase, soon).toBe('DryRun');
		await scenery.kubelet().restart();
		await scenery.kubelet().end({ exitCode: 139 });
		await scenery.kubelet().backOff();
		const place = { pod: scenery.pod.metadata.name, instance: 'search', container: 'standalone', component: 'standalone' };
		await scenery.reports.ended(30, [new Date()], place);
		await scenery.reports.ended(31, [new Date()], { ...place, exitCode: 137, reason: 'OOMKilled' });
		await expect.poll(async () => (await scenery.one()).status.restarts.counted, soon).toBe(9);
		await expect
			.poll(async () => (await scenery.one()).status.restarts, soon)
			.toMatchObject({ shown: 9, notCounted: [{ why: expect.stringContaining('countOutOfMemory'), count: 1 }] });
	});

	test('finds out anew what would go when the phase changes, and leaves nothing of what it said before', async () => {
		await using scenery = await scene();
		const object = { apiVersion: 'v1', kind: 'Service', namespace: scenery.namespace, name: 'search' };
		const known: Contents = {
			is: 'known',
			goes: [object],
			stays: [{ ...object, kind: 'PersistentVolumeClaim', why: 'kept' }],
			volumes: [],
		};
		{
			await using _first = await cleaning(own.cluster.kubeconfig, {}, { contents: async () => ({ contents: known }) });
			await expect.poll(scenery.phase, soon).toBe('DryRun');
			expect((await scenery.one()).status.contents).toEqual(known);
		}
		await scenery.annotate(scenery.pod, kept);
		const unknown = { is: 'unknown', reason: 'no rights' } as const;
		await using _second = await cleaning(own.cluster.kubeconfig, {}, { contents: async () => ({ contents: unknown }) });
		await expect.poll(scenery.phase, soon).toBe('Vetoed');
		expect((await scenery.one()).status.contents).toEqual({ is: 'unknown', reason: 'no rights' });
	});

	test('heeds what is said on namespace, Deployment and pod, and takes its time again afterwards', async () => {
		await using scenery = await scene();
		const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: scenery.namespace } } as Stored;
		await scenery.annotate(namespace, kept);
		await using _running = await cleaning(own.cluster.kubeconfig);
		await expect.poll(scenery.phase, soon).toBe('Vetoed');
		const first = await scenery.one();
		expect(first.status.reason).toMatch(/^diagnostics\.milvus\.io\/keep is set on Namespace test-/);
		await scenery.annotate(scenery.pod, kept);
		await expect.poll(async () => (await scenery.one()).status.reason, soon).toMatch(/set on Pod .*, Namespace /);
		for (const object of [namespace, scenery.pod]) await scenery.annotate(object, { 'diagnostics.milvus.io/keep': null });
		await expect.poll(scenery.phase, soon).toBe('DryRun');
		await scenery.annotate(scenery.deployment, kept);
		await expect.poll(async () => (await scenery.one()).status.reason, soon).toMatch(/ReplicaSet search-milvus-.*, Deployment /);
		await scenery.annotate(scenery.deployment, { 'diagnostics.milvus.io/keep': null });
		await expect.poll(async () => (await scenery.one()).status.reason, soon).toMatch(/ReplicaSet .*where it stays/);
		const [set] = (await own.cluster.list(`/apis/apps/v1/namespaces/${scenery.namespace}/replicasets`)) as [Stored];
		await scenery.annotate(set, { 'diagnostics.milvus.io/keep': null });
		await expect.poll(scenery.phase, soon).toBe('DryRun');
		const { spec } = await scenery.one();
		expect(Date.parse(spec.dueAt) - Date.parse(spec.decidedAt)).toBe(1_000);
		expect(Date.parse(spec.decidedAt)).toBeGreaterThan(Date.parse(first.spec.decidedAt));
		await scenery.annotate(scenery.deployment, { 'argocd.argoproj.io/tracking-id': 'a:apps/Deployment:b/c' });
		await expect.poll(async () => (await scenery.one()).status.reason, soon).toMatch(/^Argo CD manages .*Deployment /);
	});

	test('keeps an instance of the operator that is upgraded or paused, and takes its owner for what would go', async () => {
		const { cluster } = own;
		await using reports = await crashReports(cluster);
		const { namespace } = reports;
		const made = await operatorInstance(cluster, { namespace, name: 'vectors', mode: 'standalone', ownedByMilvusCluster: true });
		await operatorPod(cluster, { namespace, node: await cluster.node() });
		const upgrade = await cluster.create({
			...{ apiVersion: 'milvus.io/v1beta1', kind: 'MilvusUpgrade', metadata: { name: 'up', namespace } },
			spec: { milvus: { name: 'vectors', namespace }, sourceVersion: '2.5.4', targetVersion: '2.6.15' },
		});
		const [pod] = made.pods as [Stored];
		await crashLoop(cluster, { reports, pod, instance: { name: 'vectors', kind: 'operator' }, first: 0 });
		await using _running = await cleaning(cluster.kubeconfig);
		const one = async () => (await cluster.list(collection(namespace)))[0];
		await expect.poll(async () => (await one())?.status?.reason, soon).toMatch(/^MilvusUpgrade test-\w+\/up is not finished \(not begun\)/);
		expect((await one())?.spec.target).toMatchObject({ kind: 'MilvusCluster', uid: made.milvusCluster?.metadata.uid });
		await cluster.call('PATCH', `${pathOf(upgrade)}/status`, { status: { state: 'Succeeded' } });
		await expect.poll(async () => (await one())?.status?.phase, soon).toBe('DryRun');
		await cluster.call('PATCH', pathOf(made.milvus), { metadata: { annotations: { 'milvus.io/pause-reconcile': 'true' } } });
		await expect.poll(async () => (await one())?.status?.reason, soon).toMatch(/^milvus.io\/pause-reconcile is set on Milvus vectors/);
		await cluster.call('DELETE', collection(namespace));
	});

	test('names an instance that nobody manages, and says that there is nothing to uninstall', async () => {
		const { cluster } = own;
		await using reports = await crashReports(cluster);
		const pod = await unmanagedPod(cluster, { namespace: reports.namespace });
		await crashLoop(cluster, { reports, pod, instance: { name: 'test-crash-pod', kind: 'unmanaged' }, first: 0 });
		await using _running = await cleaning(cluster.kubeconfig);
		const one = async () => (await cluster.list(collection(reports.namespace)))[0];
		await expect.poll(async () => (await one())?.status?.phase, soon).toBe('Vetoed');
		expect((await one())?.status).toMatchObject({ reason: expect.stringContaining('nothing to uninstall') });
		await cluster.call('DELETE', collection(reports.namespace));
	});

	test('stops with all of them when many crash at once, and goes on when it is over', async () => {
		await using one = await scene('one');
		await using two = await scene('two');
		await using three = await scene('three');
		await using four = await scene('four');
		const all = [one, two, three, four];
		await using _running = await cleaning(own.cluster.kubeconfig);
		const phases = () => Promise.all(all.map(({ phase }) => phase()));
		await expect.poll(phases, soon).toEqual(['Vetoed', 'Vetoed', 'Vetoed', 'Vetoed']);
		expect((await three.one()).status.reason).toMatch(/^4 instances do nothing but crash at once/);
		await four.kubelet().restart();
		await expect.poll(phases, soon).toEqual(['DryRun', 'DryRun', 'DryRun', 'Recovered']);
	});

	test('leaves alone one that was made anew under its name, and takes the new one for another', async () => {
		await using scenery = await scene();
		await using _running = await cleaning(own.cluster.kubeconfig);
		await expect.poll(scenery.phase, soon).toBe('DryRun');
		const { metadata: before } = await scenery.one();
		const { metadata, spec } = scenery.deployment;
		const pods = () => own.cluster.list(`/api/v1/namespaces/${scenery.namespace}/pods`);
		await own.cluster.call('DELETE', `${pathOf(scenery.deployment)}?propagationPolicy=Foreground`);
		// No kubelet ends what its owners ask to go.
		const isGone = async () => {
			await own.cluster.call('DELETE', `/api/v1/namespaces/${scenery.namespace}/pods?gracePeriodSeconds=0`);
			return (await own.cluster.list(`/apis/apps/v1/namespaces/${scenery.namespace}/deployments`)).length;
		};
		await expect.poll(isGone, soon).toBe(0);
		const of = async (name: string) => (await scenery.all()).find((one) => one.metadata.name === name);
		await expect.poll(async () => (await of(before.name))?.status.phase, soon).toBe('Recovered');
		const { name, namespace, labels, annotations } = metadata;
		await own.cluster.create({
			apiVersion: 'apps/v1',
			kind: 'Deployment',
			metadata: { name, namespace, labels, annotations },
			spec,
		} as never);
		await expect.poll(async () => (await pods()).length, soon).toBe(1);
		const [pod] = (await pods()) as [Stored];
		const instance = { name: 'search', kind: 'helm' } as const;
		await crashLoop(own.cluster, { reports: scenery.reports, pod, instance, first: 40 });
		await expect
			.poll(async () => (await scenery.all()).map(({ status }) => status?.phase).toSorted(), soon)
			.toEqual(['DryRun', 'Recovered']);
		expect((await of(before.name))?.status.phase).toBe('Recovered');
	});

	test('forgets what is settled for long, leaves alone what it can not read, and is not stopped by either', async () => {
		await using scenery = await scene();
		const odd = (name: string, spec: object) =>
			own.cluster.create({
				...{ apiVersion: 'diagnostics.milvus.io/v1alpha1', kind: 'InstanceCleanup', metadata: { name, namespace: scenery.namespace } },
				spec: {
					...{ instance: 'by-hand', kind: 'helm', target: { apiVersion: 'helm.sh/v1', kind: 'Release', name: 'by-hand', uid: 'u' } },
					...{ decidedAt: '2026-11-23T06:25:58.000Z', dueAt: '2026-11-23T06:30:58.000Z', windowSeconds: 3600, limit: 5, ...spec },
				},
			});
		const unreadable = await odd('unreadable', { decidedAt: '2026-11-23T06:25:58Z' });
		await odd('by-hand', {});
		await using running = await cleaning(own.cluster.kubeconfig, { keepMs: 8_000 });
		const phases = async () =>
			(await scenery.all()).map(({ metadata, status }) => `${metadata.name.replace(/-\w{10}$/, '')} ${status?.phase}`).toSorted();
		await expect.poll(phases, soon).toEqual(['by-hand Recovered', 'search DryRun', 'unreadable undefined']);
		await expect.poll(phases, soon).toEqual(['search DryRun', 'unreadable undefined']);
		const now = await own.cluster.read(unreadable);
		expect(now.metadata.resourceVersion).toBe(unreadable.metadata.resourceVersion);
		expect(running.state()).toMatchObject({ ready: true });
	});

	test('goes on after the API server was away', async () => {
		await using scenery = await scene();
		await using running = await cleaning(own.cluster.kubeconfig, { delayMs: 10_000 });
		await expect.poll(scenery.phase, soon).toBe('Pending');
		await own.cluster.stopApi();
		await expect.poll(() => running.state()?.ready, soon).toBe(false);
		await own.cluster.startApi();
		await expect.poll(scenery.phase, { timeout: 60_000 }).toBe('DryRun');
		await expect.poll(() => running.state()?.ready, soon).toBe(true);
	});

	test('writes objects below 16 KiB, however much there is to say', async () => {
		const long = (index: number, length: number) => `${index}-${'x'.repeat(length)}`;
		await using scenery = await scene(`r${'e'.repeat(39)}`, { isCrashing: false });
		await scenery.loop();
		const place = { instance: `r${'e'.repeat(39)}`, container: 'standalone', component: 'standalone' };
		for (let index = 50; index < 90; index++) await scenery.reports.ended(index, [new Date()], { ...place, pod: long(index, 230) });
		const objects = Array.from({ length: 300 }, (_, index) => {
			return { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: scenery.namespace, name: long(index, 200) };
		});
		const contents: Contents = {
			is: 'known',
			goes: objects,
			stays: objects.map((object) => ({ ...object, why: 'w'.repeat(200) })),
			volumes: objects.slice(0, 3).map(({ namespace, name }) => ({ namespace, name, isLost: false, why: 'kept' })),
		};
		await using _running = await cleaning(own.cluster.kubeconfig, {}, { contents: async () => ({ contents }) });
		await expect.poll(scenery.phase, soon).toBe('DryRun');
		for (let times = 0; times < 6; times++) {
			for (const value of ['true', null]) {
				await scenery.annotate(scenery.pod, { 'diagnostics.milvus.io/keep': value });
				await expect.poll(scenery.phase, soon).toBe(value === null ? 'DryRun' : 'Vetoed');
			}
		}
		const { metadata, status } = await scenery.one();
		const raw = await own.cluster.kubectl('get', '--raw', `${collection(scenery.namespace)}/${metadata.name}`);
		expect(Buffer.byteLength(raw)).toBeLessThan(16 << 10);
		expect(Buffer.byteLength(raw)).toBeGreaterThan(10 << 10);
		expect(status.restarts.reports.length).toBeGreaterThan(8);
		expect(status.transitions).toHaveLength(10);
		expect(status.contents.volumes).toHaveLength(3);
		expect(status.contents.omitted).toBe(603 - status.contents.volumes.length - status.contents.stays.length - status.contents.goes.length);
	});
});
