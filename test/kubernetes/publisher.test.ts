import { expect, test } from 'vitest';
import { spec as specSchema } from '../../src/domain/crash-object/crash-object.ts';
import { restored } from '../../src/domain/crash-object/restore.ts';
import { crashReport, mostRecentTimes } from '../../src/domain/report.ts';
import { hugeReport } from '../support/huge-report.ts';
import { emptyJournal } from '../support/journal.ts';
import type { Manifest } from '../support/kubernetes/api.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { installDefinitions } from '../support/kubernetes/definitions.ts';
import { crash, idOf, placeIn, publishing, store } from '../support/publishing.ts';

const collection = '/apis/diagnostics.milvus.io/v1alpha1';
const pathIn = (namespace: string) => `${collection}/namespaces/${namespace}/crashreports`;
const real = { now: Date.now };
const soon = { timeout: 20_000 };

/** An empty namespace, a node of that name alone, and a journal. */
async function scene() {
	const cluster = await sharedControlPlane();
	await installDefinitions(cluster);
	const namespace = await cluster.namespace();
	const opened = await emptyJournal(undefined, real);
	return {
		cluster,
		namespace: namespace.name,
		opened,
		node: unique('node'),
		objects: () => cluster.list(pathIn(namespace.name)),
		[Symbol.asyncDispose]: async () => {
			await opened[Symbol.asyncDispose]();
			await namespace[Symbol.asyncDispose]();
		},
	};
}

const options = (node: string) => ({ node, namespace: 'default' });

describeKubernetes('CrashReports', () => {
	test('are shown by kubectl with what an operator asks first', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node } = scenery;
		const known = { id: 'a', issues: ['milvus-io/milvus#28065'], symptom: 's', advice: 'a', cleanup: 'neutral' as const, match: 1 };
		const id = crash(opened.journal, { index: 1, association: placeIn(namespace), analysis: { knownIssues: [known] } });
		store(opened.journal, id);
		await using _publishing = await publishing(cluster.kubeconfig, opened.journal, options(node));
		await expect.poll(() => cluster.kubectl('-n', namespace, 'get', 'crash'), soon).toContain('x.core.zst');
		const [titles = '', line = ''] = (await cluster.kubectl('-n', namespace, 'get', 'crash')).split('\n');
		expect(titles.split(/ {2,}/)).toEqual(
			['NAME', 'INSTANCE', 'POD', 'REASON', 'CULPRIT', 'SCORE', 'STORED AS', 'KNOWN ISSUE', 'COUNT', 'AGE'].map((title) => title),
		);
		expect(line.split(/ {2,}/).slice(0, -1)).toEqual([
			`my-release-querynode-0-${id}`,
			'my-release',
			'my-release-querynode-0',
			'SIGSEGV',
			'search',
			'9.5',
			'x.core.zst',
			'milvus#28065',
			'1',
		]);
		// The API server describes a new kind a while after it serves it.
		const explained = () => cluster.kubectl('explain', 'crash.spec.fingerprint').catch(String);
		await expect.poll(explained, { timeout: 30_000 }).toContain('the same for the same bug');
	});

	test('hold the report, and come back as one', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node, objects } = scenery;
		const id = crash(opened.journal, { index: 1, association: placeIn(namespace) });
		await using _publishing = await publishing(cluster.kubeconfig, opened.journal, options(node));
		await expect.poll(async () => (await objects())[0]?.status, soon).toMatchObject({ phase: 'analysed', count: 1 });
		const [object] = await objects();
		expect(object?.metadata.labels).toMatchObject({ 'diagnostics.milvus.io/node': node, 'diagnostics.milvus.io/instance': 'my-release' });
		expect(object?.metadata.ownerReferences).toBeUndefined();
		const { registers, modules, ...report } = opened.journal.view.report(id) ?? expect.fail();
		expect(crashReport.parse(restored({ spec: object?.spec, status: object?.status }))).toEqual({ ...report, registers: {}, modules: [] });
	});

	test('stay below 16 KiB with all that the API server adds, however much a report says', async () => {
		const cluster = await sharedControlPlane();
		await installDefinitions(cluster);
		await using namespace = await cluster.namespace();
		const node = unique('node');
		for (const [index, unit] of ['x', '😀', '\0', '<', '\udc80', '\x85\x7f', '\u2028\ufeff', '\uffff'].entries()) {
			await using opened = await emptyJournal(undefined, real);
			const {
				id: _,
				revision,
				status,
				repeats,
				schemaVersion,
				evidence,
				time,
				foundAt,
				core,
				log,
				storage,
				restart,
				lostCore,
				...analysis
			} = hugeReport(unit);
			const pod = `${'long.'.repeat(49)}p-${index}`;
			const association = {
				...analysis.association,
				...placeIn(namespace.name, pod),
				component: 'q'.repeat(60),
				instance: 'i'.repeat(200),
			};
			crash(opened.journal, { index, association, analysis: { ...analysis, association } });
			await using running = await publishing(cluster.kubeconfig, opened.journal, options(node));
			const found = async () => (await cluster.list(pathIn(namespace.name))).find(({ spec }) => spec.id === idOf(index));
			await expect.poll(async () => (await found())?.status?.phase, soon).toBe('analysed');
			const { metadata, spec } = (await found()) ?? expect.fail();
			expect(spec.reason.replace('…', '').replaceAll(unit === '\udc80' ? '\\x80' : unit, '')).toMatch(/^.?.?.?$/s); // all that is there is faithful
			// What it stands for may be as much as it tells of.
			const times = Array.from({ length: mostRecentTimes }, () => new Date().toISOString());
			const at = `${pathIn(namespace.name)}/${metadata.name}`;
			await cluster.call('PATCH', `${at}/status`, { status: { count: 1_000_000, recentTimes: times } });
			const raw = await cluster.kubectl('get', '--raw', at);
			expect(Buffer.byteLength(raw)).toBeLessThan(16 << 10);
			expect(Buffer.byteLength(raw)).toBeGreaterThan(10 << 10);
			await expect.poll(running.problem, soon).toBe('');
		}
	});

	test('are validated by the API server', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node, objects } = scenery;
		crash(opened.journal, { index: 1, association: placeIn(namespace) });
		await using _publishing = await publishing(cluster.kubeconfig, opened.journal, options(node));
		await expect.poll(objects, soon).toHaveLength(1);
		const { apiVersion, kind, spec } = (await objects())[0] ?? expect.fail();
		specSchema.parse(spec);
		const wrong = (change: object): Manifest => ({
			apiVersion,
			kind,
			metadata: { name: 'wrong', namespace },
			spec: { ...spec, ...change },
		});
		await expect(cluster.create(wrong({ id: 'no id' }))).rejects.toThrow('spec.id');
		await expect(cluster.create(wrong({ time: 'yesterday' }))).rejects.toThrow('spec.time');
		await expect(cluster.create(wrong({ threads: [{ crashed: 'yes', frames: [] }] }))).rejects.toThrow('crashed');
	});

	test('follow their crash, and are written no oftener than it changes', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node, objects } = scenery;
		const id = crash(opened.journal, { index: 1, association: placeIn(namespace) });
		const other = crash(opened.journal, { index: 2, association: placeIn(namespace) });
		const phase = async () => (await objects()).find(({ spec }) => spec.id === id)?.status?.phase;
		let version: string | undefined;
		{
			await using running = await publishing(cluster.kubeconfig, opened.journal, options(node));
			await expect.poll(phase, soon).toBe('analysed');
			store(opened.journal, id);
			await expect.poll(phase, soon).toBe('stored');
			await settled(opened.journal);
			expect(running.writes('crashreports.diagnostics.milvus.io')).toBe(3);
			expect(running.writes('crashreports.diagnostics.milvus.io/status')).toBe(3);
			version = (await objects()).find(({ spec }) => spec.id === other)?.metadata.resourceVersion;
		}
		// The next process knows what was done, and one that does not sees it.
		for (const isForgotten of [false, true]) {
			if (isForgotten) opened.journal.outbox.setPublished(other, 0);
			await using running = await publishing(cluster.kubeconfig, opened.reopen(), options(node));
			await expect.poll(running.problem, soon).toBe('');
			await settled(opened.journal);
			expect(running.writes('crashreports.diagnostics.milvus.io')).toBe(0);
			expect((await objects()).find(({ spec }) => spec.id === other)?.metadata.resourceVersion).toBe(version);
		}
	});

	test('without a pod are in the namespace of the agent', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node, objects } = scenery;
		const id = crash(opened.journal, { index: 1, association: { method: 'none', confidence: 'none', host: 'Some_Host' } });
		await using _publishing = await publishing(cluster.kubeconfig, opened.journal, { node, namespace });
		await expect.poll(objects, soon).toMatchObject([{ metadata: { name: `some-host-${id}` } }]);
	});

	test('that somebody has deleted do not come back before their crash changes; those that were edited are put right', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node, objects } = scenery;
		const ids = [1, 2].map((index) => crash(opened.journal, { index, association: placeIn(namespace) }));
		await using running = await publishing(cluster.kubeconfig, opened.journal, { ...options(node), relistMs: 500 });
		await expect.poll(objects, soon).toHaveLength(2);
		await settled(opened.journal);
		const [deleted = '', edited = ''] = ids;
		await cluster.kubectl('-n', namespace, 'delete', 'crash', `my-release-querynode-0-${deleted}`);
		await cluster.call('PATCH', `${pathIn(namespace)}/my-release-querynode-0-${edited}`, { spec: { reason: 'forged' } });
		const reasonNow = async () => (await objects()).find(({ spec }) => spec.id === edited)?.spec.reason;
		await expect.poll(reasonNow, soon).toMatch(/^SIGSEGV: access/);
		await lists(running, 2);
		expect(await objects()).toHaveLength(1);
		store(opened.journal, deleted);
		await expect.poll(objects, soon).toHaveLength(2);
	});

	test('of a namespace that is gone are left out, and hold up nothing', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, node, objects } = scenery;
		crash(opened.journal, { index: 1, association: placeIn('never-was') });
		crash(opened.journal, { index: 2, association: placeIn(namespace) });
		await using running = await publishing(cluster.kubeconfig, opened.journal, options(node));
		await expect.poll(objects, soon).toHaveLength(1);
		await settled(opened.journal);
		await expect.poll(running.problem, soon).toBe('');
		expect(running.lines.map(({ msg }) => msg)).toContain('crash report not published: its namespace never-was is gone');
	});
});

/** All is published. */
const settled = (journal: Awaited<ReturnType<typeof emptyJournal>>['journal']) =>
	expect.poll(() => journal.outbox.unpublished(0, 1), soon).toEqual([]);

/** So many more looks at what is there. */
async function lists({ requests }: { readonly requests: readonly { readonly verb: string }[] }, more: number): Promise<void> {
	const count = () => requests.filter(({ verb }) => verb === 'list').length;
	const before = count();
	await expect.poll(count, soon).toBeGreaterThanOrEqual(before + more);
}
