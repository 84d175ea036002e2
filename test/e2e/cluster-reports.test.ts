import { readFileSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { crashReport } from '../../src/domain/report.ts';
import { cli } from '../support/cli.ts';
import { emptyJournal } from '../support/journal.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { installDefinitions } from '../support/kubernetes/definitions.ts';
import { crash, idOf, publishing, store } from '../support/publishing.ts';
import { withStore } from '../support/stored.ts';

const soon = { timeout: 20_000 };

async function clusterWithReports() {
	const cluster = await sharedControlPlane();
	await installDefinitions(cluster);
	return cluster;
}

/** Crashes of two instances in a namespace: nine of one bug in the first, and one of it in the second, of which the core is stored; and another. */
async function scene() {
	const cluster = await clusterWithReports();
	const namespace = await cluster.namespace();
	const opened = await emptyJournal(undefined, { now: Date.now });
	const { journal } = opened;
	const start = Date.now() - 60 * 60_000;
	const place = (instance: string) =>
		({
			namespace: namespace.name,
			pod: `${instance}-querynode-0`,
			podUid: instance,
			container: 'querynode',
			instance,
			component: 'querynode',
		}) as const;
	for (let index = 0; index < 9; index++) crash(journal, { index, time: start + index * 60_000, association: place('first') });
	store(journal, crash(journal, { index: 9, time: start + 20 * 60_000, association: place('second') }));
	const other = { fingerprint: 'v1:00000000000000ff', looseFingerprint: null, culprit: null, signal: null };
	const out = { ...place('second'), exitCode: 137, reason: 'OOMKilled' };
	crash(journal, { index: 10, time: start + 30 * 60_000, association: out, analysis: other });
	await using running = await publishing(cluster.kubeconfig, journal, { node: unique('node'), namespace: 'default' });
	await expect.poll(() => journal.outbox.unpublished(0, 1), soon).toEqual([]);
	await expect.poll(running.problem, soon).toBe('');
	return {
		cluster,
		journal,
		namespace: namespace.name,
		run: async (...args: readonly string[]) => {
			const { code, stdout, stderr } = await cli([...args, '--kubeconfig', cluster.kubeconfig, '--namespace', namespace.name]);
			expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
			return stdout;
		},
		async [Symbol.asyncDispose]() {
			await opened[Symbol.asyncDispose]();
			await namespace[Symbol.asyncDispose]();
		},
	};
}

describeKubernetes('the crashes of a cluster', () => {
	test('are listed as those of the journal are, with what they are of and how many they stand for', async () => {
		await using scenery = await scene();
		const { cluster, namespace, run, journal } = scenery;
		const rows = (await run('list', '-n', '4'))
			.trim()
			.split('\n')
			.map((line) => line.split(/ {2,}/));
		expect(rows).toEqual([
			['ID', 'CRASHED', 'NAMESPACE', 'INSTANCE', 'POD', 'SIGNAL', 'CULPRIT', 'COMPONENT', 'SCORE', 'COUNT', 'STATUS'],
			[idOf(10), '30 min ago', namespace, 'second', 'second-querynode-0', 'OOMKilled', '-', 'querynode', '9.5', '1', 'analysed'],
			[idOf(9), '40 min ago', namespace, 'second', 'second-querynode-0', 'SIGSEGV', 'search', 'querynode', '9.5', '1', 'stored'],
			[idOf(4), '52 min ago', namespace, 'first', 'first-querynode-0', 'SIGSEGV', 'search', 'querynode', '9.5', '5', 'analysed'],
			[idOf(3), '57 min ago', namespace, 'first', 'first-querynode-0', 'SIGSEGV', 'search', 'querynode', '9.5', '1', 'analysed'],
		]);
		const reports = JSON.parse(await run('list', '--json')).map((report: unknown) => crashReport.parse(report));
		expect(reports).toHaveLength(7);
		const { registers, modules, ...stored } = journal.view.report(idOf(9)) ?? expect.fail();
		expect(reports[1]).toEqual({ ...stored, registers: {}, modules: [] });
		const all = await cli(['list', '-A', '--json', '-n', '1000'], { environment: { KUBECONFIG: cluster.kubeconfig } });
		expect(JSON.parse(all.stdout)).toEqual(expect.arrayContaining(reports));
	});

	test('are grouped by bugs, with the number of instances', async () => {
		await using scenery = await scene();
		const lines = (await scenery.run('list', '--group'))
			.trim()
			.split('\n')
			.map((line) => line.split(/ {2,}/));
		expect(lines).toEqual([
			['FINGERPRINT', 'COUNT', 'INSTANCES', 'FIRST', 'LAST', 'SIGNAL', 'CULPRIT', 'KNOWN ISSUE'],
			['v1:00000000000000ff', '1', '1', '30 min ago', '30 min ago', 'OOMKilled', '-', '-'],
			['v1:0123456789abcdef', '10', '2', '60 min ago', '40 min ago', 'SIGSEGV', 'search', '-'],
		]);
		const local = scenery.journal.view.groups().map(({ newest, hosts, ...group }) => group);
		expect(JSON.parse(await scenery.run('list', '--group', '--json'))).toEqual(local.map((group) => expect.objectContaining(group)));
	});

	test('are shown one by one, by the first characters of their ids', async () => {
		await using scenery = await scene();
		const { run, cluster, namespace } = scenery;
		const text = await run('show', idOf(4).slice(0, 8).toUpperCase());
		expect(text).toMatch(/^repeats {5}and 4 more like it, last 52 min ago$/m);
		expect(text).toContain(`pod         ${namespace}/first-querynode-0, container querynode\n`);
		expect(await run('show', idOf(9))).toMatch(/^seen {8}9 times before, first 60 min ago, last 52 min ago$/m);
		expect(await run('show', idOf(9), '--markdown')).toContain('| stored | /data/x.core.zst (20.0 KB) |');
		expect(crashReport.parse(JSON.parse(await run('show', idOf(4), '--json'))).repeats?.count).toBe(5);
		const args = ['--kubeconfig', cluster.kubeconfig, '--namespace', namespace];
		expect(await cli(['show', idOf(8), ...args])).toMatchObject({
			code: 2,
			stderr: expect.stringMatching(
				/^milvus-coredump-agent: no crash in the cluster has the id \w+: .*; one that is counted in the report of another .*\n$/,
			),
		});
	});

	test('give their cores back wherever the store can be reached, without the journal of their node', async () => {
		const { kubeconfig, namespace: newNamespace } = await clusterWithReports();
		await using namespace = await newNamespace();
		await using home = await withStore();
		const { file, report } = home.store(idOf(20), Buffer.from('all that was in its memory'));
		await using running = await publishing(kubeconfig, home.journal, { node: unique('node'), namespace: namespace.name });
		await expect.poll(() => home.journal.outbox.unpublished(0, 1), soon).toEqual([]);
		await expect.poll(running.problem, soon).toBe('');
		home.configure('store', 'nowhere.db');
		const args = ['--config', home.config, '--kubeconfig', kubeconfig, '--namespace', namespace.name];
		const to = home.place('fetched');
		expect(await cli(['fetch', report.id.slice(0, 8), '-o', to, ...args])).toEqual({ code: 0, stdout: `${to}\n`, stderr: '' });
		expect(readFileSync(to).equals(readFileSync(file))).toBe(true);
		rmSync(file);
		for (const [command, words] of [
			['fetch', 'is not there any more'],
			['gdb', 'is gone: it was'],
		] as const)
			expect((await cli([command, report.id, ...args])).stderr).toMatch(
				new RegExp(`^milvus-coredump-agent: the core of crash ${report.id} ${words}.*\n$`),
			);
	});

	test('can not be had from a cluster that does not know them, which is told in a line', async () => {
		await using plane = await controlPlane();
		const { code, stderr } = await cli(['list', '--kubeconfig', plane.kubeconfig]);
		expect(code).toBe(1);
		expect(stderr).toMatch(
			/^milvus-coredump-agent: can't list crashreports.diagnostics.milvus.io .* is its CustomResourceDefinition installed\?\n$/,
		);
	});
});

test('what is said of a cluster needs one; --standalone is about the journal', async () => {
	expect(await cli(['list', '--namespace', 'x'])).toMatchObject({
		code: 2,
		stderr: 'milvus-coredump-agent: --namespace is about a cluster: name it by --kubeconfig or KUBECONFIG\n',
	});
	const environment = { KUBECONFIG: '/nowhere' };
	expect((await cli(['list', '--standalone'], { environment })).stderr).toMatch(/there is no journal/);
	expect((await cli(['list'], { environment })).stderr).toMatch(/\/nowhere \(from KUBECONFIG\): there is no such file/);
	expect((await cli(['list', '-A', '--namespace', 'x'], { environment })).stderr).toMatch(/cannot be used with option/);
});
