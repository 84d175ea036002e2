import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type CleanerDeps, type CleanerOptions, contentsOf } from '../../src/components/cleaner/cleaner.ts';
import { cleaning, helmOf } from '../support/cleaning.ts';
import { crashReports } from '../support/crash-reports.ts';
import { pathOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { crashLoop } from '../support/kubernetes/crash-loop.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { endingPods } from '../support/kubernetes/ending-pods.ts';
import { helm } from '../support/kubernetes/helm.ts';
import { installedRelease } from '../support/kubernetes/installed-release.ts';
import { defineMilvus } from '../support/kubernetes/milvus-operator.ts';
import { operatorStandIn, type StandInInstance, type StandInOptions } from '../support/kubernetes/operator-stand-in.ts';
import { presentIn } from '../support/kubernetes/present.ts';

const soon = { timeout: 60_000, interval: 200 };
/** What owners own goes when Kubernetes looks for it, which takes a while for new kinds. */
const later = { timeout: 100_000, interval: 200 };
const all = 'deployments,replicasets,pods,services,configmaps,secrets,persistentvolumeclaims,statefulsets,milvuses,milvusclusters';

describeKubernetes('the cleaner, where it removes', () => {
	const own = ownControlPlane();

	const collection = (namespace: string) => `/apis/diagnostics.milvus.io/v1alpha1/namespaces/${namespace}/instancecleanups`;

	/** A namespace for instances, and one for the agent. */
	async function scene() {
		const { cluster } = own;
		await using stack = new AsyncDisposableStack();
		await defineMilvus(cluster);
		const reports = stack.use(await crashReports(cluster));
		const { namespace } = reports;
		const agents = stack.use(await cluster.namespace()).name;
		// As kubelets do, they take a while, in which what made them is gone.
		stack.use(endingPods(cluster, [namespace], { afterMs: 2_000 }));
		stack.defer(async () => void (await cluster.call('DELETE', collection(namespace))));
		const cleanups = () => cluster.list(collection(namespace));
		const kept = stack.move();
		let reported = 0;
		return {
			...{ cluster, reports, namespace, agents, cleanups },
			present: (kinds = all) => presentIn(cluster, namespace, kinds),
			one: async (instance: string) => (await cleanups()).find(({ spec }) => spec.instance === instance) ?? expect.fail('there is none'),
			status: async (instance: string) => (await cleanups()).find(({ spec }) => spec.instance === instance)?.status,
			phase: async (instance: string) => (await cleanups()).find(({ spec }) => spec.instance === instance)?.status?.phase,
			helm: (...args: readonly string[]) => helm(...args, '--kubeconfig', cluster.kubeconfig, '--namespace', namespace),
			saved: () => cluster.list(`/api/v1/namespaces/${agents}/secrets?fieldSelector=type=diagnostics.milvus.io/saved-instance`),
			async crash(pod: Stored | undefined, name: string, kind: 'helm' | 'operator') {
				if (!pod) return expect.fail('there is no pod');
				reported += 10;
				return crashLoop(cluster, { reports, pod, instance: { name, kind }, first: reported });
			},
			/** A release that does nothing but crash. */
			async release(release: string, values: Readonly<Record<string, unknown>> = {}) {
				const made = await installedRelease(cluster, { namespace, release, values });
				const kubelet = await this.crash(made.pods[0], release, 'helm');
				return { ...made, kubelet };
			},
			cleaning: (options: Partial<CleanerOptions> = {}, deps: Partial<CleanerDeps> = {}) =>
				cleaning(
					cluster.kubeconfig,
					{
						isEnforced: (name) => name === namespace,
						into: agents,
						watchMs: 2_000,
						keepSavedMs: 3600_000,
						contentsAgeMs: 0,
						graceMs: 2_000,
						...options,
					},
					{ contents: contentsOf, ...deps },
				),
			[Symbol.asyncDispose]: () => kept.disposeAsync(),
		};
	}

	/** What makes of the record of a release one that stands so. */
	function inStatus({ data }: Stored, status: string): object {
		const record = JSON.parse(gunzipSync(Buffer.from(Buffer.from(data.release, 'base64').toString(), 'base64')).toString());
		const text = gzipSync(JSON.stringify({ ...record, info: { ...record.info, status } })).toString('base64');
		return { metadata: { labels: { status } }, data: { release: Buffer.from(text).toString('base64') } };
	}

	const phasesOf = (status: { readonly transitions: readonly { readonly phase: string }[] }) =>
		status.transitions.map(({ phase }) => phase);

	test('uninstalls a release that does nothing but crash, and leaves what it said it would; what brings it back is saved before', async () => {
		await using here = await scene();
		await here.release('a');
		const before = await here.present();
		await using running = await here.cleaning();
		await expect.poll(() => here.phase('a'), soon).toBe('Done');
		const { status, metadata } = await here.one('a');
		expect(phasesOf(status)).toEqual(['Pending', 'Running', 'Done']);
		expect(status.reason).toBe('it is gone');
		const [secret, ...others] = await here.saved();
		expect(others).toEqual([]);
		expect(status.saved).toMatchObject({ namespace: here.agents, name: secret?.metadata.name });
		expect(status.removal).toMatchObject({ by: 'a test', attempts: 1, words: expect.stringContaining('uninstalled') });
		// Why it went stays there, though its pods do not.
		expect(status.restarts).toMatchObject({ counted: 8, shown: 8 });
		const goes = status.contents.goes.map(({ kind, name }: Record<string, string>) => `${kind} ${name}`);
		const isOfWorkload = (one: string) => /^(Pod|ReplicaSet) /.test(one);
		await expect.poll(async () => (await here.present()).filter(isOfWorkload), soon).toEqual([]);
		expect(await here.present()).toEqual(before.filter((one) => !goes.includes(one) && !isOfWorkload(one)));
		expect(await here.present('persistentvolumeclaims')).not.toEqual([]);
		await expect(here.helm('status', 'a')).rejects.toMatchObject({ stderr: expect.stringContaining('not found') });

		const audited = running.lines.filter(({ audit }) => audit !== undefined);
		const saved = `${here.agents}/${secret?.metadata.name}`;
		expect(audited).toMatchObject([
			{ audit: 'removal begins', by: 'a test', namespace: here.namespace, instance: 'a', target: { uid: expect.any(String) }, saved },
			{ audit: 'removal ends', is: 'done', saved },
		]);
		expect(audited[0]?.evidence).toContain(status.restarts.reports[0].name);
		const events = await here.cluster.list(`/api/v1/namespaces/${here.namespace}/events?fieldSelector=source=milvus-coredump-agent`);
		expect(events.map(({ reason }) => reason).toSorted()).toEqual(['CleanupDone', 'CleanupPending', 'CleanupRunning']);
		const done = events.find(({ reason }) => reason === 'CleanupDone');
		expect(done?.message).toContain(`to bring it back: milvus-coredump-agent restore ${metadata.name}`);
	});

	test('only names those of other namespaces', async () => {
		await using here = await scene();
		await here.release('a');
		const before = await here.present();
		await using _running = await here.cleaning({ isEnforced: () => false });
		await expect.poll(() => here.phase('a'), soon).toBe('DryRun');
		expect(await here.present()).toEqual(before);
		expect(await here.saved()).toEqual([]);
	});

	test('removes no more within an hour than it may; who waits says so', async () => {
		await using here = await scene();
		await here.release('a');
		await here.release('b');
		await using one = await here.cleaning();
		await using other = await here.cleaning();
		const phases = async () => [await here.phase('a'), await here.phase('b')].toSorted();
		await expect.poll(phases, soon).toEqual(['Done', 'Pending']);
		const waiting = (await here.phase('a')) === 'Pending' ? 'a' : 'b';
		await expect.poll(async () => (await here.status(waiting))?.reason, soon).toContain('1 removals within the last hour, of at most 1');
		const looks = one.looks() + other.looks();
		await expect.poll(() => one.looks() + other.looks(), soon).toBeGreaterThan(looks + 10);
		expect(await phases()).toEqual(['Done', 'Pending']);
		const removed = [...one.lines, ...other.lines].filter(({ audit }) => audit === 'removal begins');
		expect(removed).toHaveLength(1);
	});

	test('is held up by what keeps it: its record can not be read, Helm is at work, volumes would be lost', async () => {
		await using here = await scene();
		const { secret } = await here.release('a', { oddities: true, hasDeleteHooks: false, hasClusterRole: false });
		let hides = true;
		const contents: CleanerDeps['contents'] = async (...args) =>
			hides ? { contents: { is: 'unknown', reason: 'contents unknown: the right to list secrets is missing' } } : contentsOf(...args);
		const reason = async () => (await here.status('a'))?.reason;
		{
			await using _running = await here.cleaning({}, { contents });
			await expect.poll(reason, soon).toMatch(/^contents unknown: the right to list secrets is missing/);
			expect(await here.phase('a')).toBe('Vetoed');
		}
		hides = false;
		{
			await using _running = await here.cleaning({}, { contents });
			await expect
				.poll(reason, soon)
				.toMatch(/^the data of PersistentVolumeClaim .* would be lost, which cleaner.allowVolumeLoss does not allow/);
		}
		const record = pathOf(secret);
		await here.cluster.call('PATCH', record, inStatus(await here.cluster.read(secret), 'pending-upgrade'));
		await using _running = await here.cleaning({ allowVolumeLoss: true });
		await expect.poll(reason, soon).toMatch(/^release a is pending-upgrade: somebody operates on it/);
		await here.cluster.call('PATCH', record, inStatus(await here.cluster.read(secret), 'deployed'));
		await expect.poll(() => here.phase('a'), soon).toBe('Done');
	});

	test('looks once more after it has won: what speaks against it then, turns it back', async () => {
		await using here = await scene();
		const { workloads } = await here.release('a');
		const [deployment] = workloads as [Stored];
		const before = await here.present();
		const keep = { metadata: { annotations: { 'diagnostics.milvus.io/keep': 'true' } } };
		// Somebody keeps it when it is just about to go.
		const contents: CleanerDeps['contents'] = async (...args) => {
			if ((await here.phase('a')) === 'Running') await here.cluster.call('PATCH', pathOf(deployment), keep);
			return contentsOf(...args);
		};
		await using running = await here.cleaning({}, { contents });
		await expect.poll(() => here.phase('a'), soon).toBe('Vetoed');
		expect(phasesOf((await here.one('a')).status)).toEqual(['Pending', 'Running', 'Vetoed']);
		expect(await here.present()).toEqual(before);
		expect(await here.saved()).toEqual([]);
		expect(running.lines.filter(({ audit }) => audit !== undefined)).toEqual([]);
	});

	async function operated(options: Partial<StandInInstance> = {}, standIn: Partial<StandInOptions> = {}) {
		const here = await scene();
		const operator = await operatorStandIn(here.cluster, { namespace: here.namespace, ...standIn });
		const made = await operator.instance({ namespace: here.namespace, name: 'v', mode: 'standalone', ...options });
		await here.crash(
			made.pods.find(({ spec }) => spec.containers[0].name === 'standalone'),
			'v',
			'operator',
		);
		return {
			...{ ...here, operator, made },
			[Symbol.asyncDispose]: async () => {
				await operator[Symbol.asyncDispose]();
				await here[Symbol.asyncDispose]();
			},
		};
	}

	test('deletes the custom resource of an instance of the operator, and is done when it has stayed away', async () => {
		await using here = await operated();
		await using _running = await here.cleaning({ watchMs: 4_000 });
		await expect.poll(() => here.phase('v'), later).toBe('Done');
		const { status } = await here.one('v');
		expect(phasesOf(status)).toEqual(['Pending', 'Running', 'Done']);
		expect(Date.parse(status.since) - Date.parse(status.removal.goneAt)).toBeGreaterThanOrEqual(4_000);
		expect(await here.present('milvuses,deployments,pods')).toEqual([]);
		expect(await here.saved()).toHaveLength(1);
	});

	test('deletes the MilvusCluster that owns the Milvus, which the operator would bring back', async () => {
		await using here = await operated({ ownedByMilvusCluster: true }, { resyncMs: 1_000, podsTakeMs: 2_000 });
		await using _running = await here.cleaning({ watchMs: 5_000 });
		await expect.poll(() => here.phase('v'), later).toBe('Done');
		// While its pods outlived their MilvusCluster, nothing else was decided about them.
		expect(await here.cleanups()).toHaveLength(1);
		expect(await here.present('milvuses,milvusclusters,deployments,pods')).toEqual([]);
	});

	test('does not delete what would hang, as the operator is dead', async () => {
		await using here = await operated();
		await here.operator.stop();
		await using running = await here.cleaning();
		await expect.poll(() => here.phase('v'), soon).toBe('Vetoed');
		expect((await here.status('v'))?.reason).toMatch(
			/the Milvus operator is not running \(pod .*\): the custom resource would hang in deletion/,
		);
		expect(running.lines.filter(({ audit }) => audit !== undefined)).toEqual([]);
		await here.operator.start();
		await expect.poll(() => here.phase('v'), later).toBe('Done');
	});

	test('says that a deletion hangs when the operator dies meanwhile, and is done only when it is', async () => {
		await using here = await operated({}, { podsTakeMs: 4_000 });
		await using _running = await here.cleaning({ timeoutMs: 8_000 });
		await expect.poll(async () => (await here.status('v'))?.removal?.actedAt, later).toBeDefined();
		await here.operator.stop();
		await expect.poll(() => here.phase('v'), later).toBe('Failed');
		expect((await here.status('v'))?.reason).toMatch(/^it hangs: Milvus v \(uid .*\) is being deleted since/);
		await here.operator.start();
		await expect.poll(() => here.phase('v'), later).toBe('Done');
		expect(phasesOf((await here.one('v')).status)).toEqual(['Pending', 'Running', 'Failed', 'Running', 'Done']);
	});

	test('tells in the words of helm why a removal failed, tries again, and says when it has worked', async () => {
		await using here = await scene();
		await here.release('a');
		let isBroken = true;
		const real = helmOf(here.cluster.kubeconfig);
		const words = 'can\'t delete: services "a" is forbidden';
		const uninstall: CleanerDeps['helm']['uninstall'] = async (...args) => (isBroken ? { is: 'failed', words } : real.uninstall(...args));
		await using _running = await here.cleaning({}, { helm: { uninstall } });
		await expect.poll(() => here.phase('a'), soon).toBe('Failed');
		const { status } = await here.one('a');
		expect(status).toMatchObject({ reason: expect.stringContaining(words), removal: { attempts: 1, words } });
		expect(Date.parse(status.removal.nextTryAt) - Date.parse(status.since)).toBeGreaterThan(50_000);
		expect(status.saved).toBeDefined();
		isBroken = false;
		// The time of the next try comes early.
		await here.cluster.call('PATCH', `${pathOf(await here.one('a'))}/status`, {
			status: { removal: { nextTryAt: new Date().toISOString() } },
		});
		await expect.poll(() => here.phase('a'), soon).toBe('Done');
		expect((await here.status('a'))?.removal.attempts).toBe(2);
		expect(await here.saved()).toHaveLength(1);
	});

	test('goes on with what another controller has left half-way', async () => {
		await using here = await scene();
		const { secret } = await here.release('a');
		const dies: CleanerDeps['helm']['uninstall'] = (_, signal) =>
			new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
		{
			await using _first = await here.cleaning({ by: 'the first' }, { helm: { uninstall: dies } });
			await expect.poll(async () => (await here.status('a'))?.removal?.actedAt, soon).toBeDefined();
		}
		// So far helm has come.
		await here.cluster.call('PATCH', pathOf(secret), inStatus(await here.cluster.read(secret), 'uninstalling'));
		await using _second = await here.cleaning({ by: 'the second' });
		await expect.poll(() => here.phase('a'), soon).toBe('Done');
		expect((await here.status('a'))?.removal).toMatchObject({ by: 'the second', attempts: 2 });
		expect(await here.present('deployments,statefulsets,services')).toEqual([]);
	});
});
