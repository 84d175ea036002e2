import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashReport } from '../../src/domain/report.ts';
import { readJournal } from '../../src/journal/journal.ts';
import { type Installation, installation } from '../support/agent.ts';
import { bin } from '../support/cli.ts';
import { exec, program, setCorePattern } from '../support/crash.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode, type RealNode, realNode } from '../support/kubernetes/real-node.ts';

/** A program with its libraries in places of its own, which are nowhere on this machine: from path in the image to file here. */
async function imageOfProgram(): Promise<Record<string, string>> {
	const flags = ['-g', '-pthread', '-Wl,--dynamic-linker=/milvus/lib/ld.so', '-Wl,-rpath,/milvus/lib'];
	const libc = (await exec('gcc', ['-print-file-name=libc.so.6'])).stdout.trim();
	const headers = (await exec('readelf', ['-lW', '/bin/sh'])).stdout;
	const loader = /interpreter: (\S+)\]/.exec(headers)?.[1] ?? '';
	return { '/milvus/bin/milvus': await program('faults.c', flags), '/milvus/lib/libc.so.6': libc, '/milvus/lib/ld.so': loader };
}

/** A pod of the image that runs once. */
async function pod(node: RealNode, cores: string, name: string, kind: 'null' | 'wait') {
	await podOnNode(
		node,
		name,
		[kind],
		{ volumeMounts: [{ name: 'cores', mountPath: cores }] },
		{ volumes: [{ name: 'cores', hostPath: { path: cores, type: 'DirectoryOrCreate' } }], restartPolicy: 'Never' },
	);
	const path = `/api/v1/namespaces/default/pods/${name}`;
	const status = async () => (await node.call('GET', path)).status.containerStatuses?.[0];
	await expect
		.poll(async () => (await status())?.state, { timeout: 30_000, message: name })
		.toMatchObject(kind === 'null' ? { terminated: { exitCode: 139 } } : { running: {} });
	const id = (await status()).containerID.replace('containerd://', '') as string;
	return {
		id,
		/** With its container, which the kubelet would remove within minutes. */
		async remove(): Promise<void> {
			await node.call('DELETE', path);
			await expect.poll(() => node.call('GET', path).catch(String), { timeout: 30_000 }).toMatch(/: 404 /);
			const left = async () => {
				await node.ctr('containers', 'rm', id).catch(() => {}); // it still ends, or is gone: the list tells
				return await node.ctr('containers', 'list', '-q');
			};
			await expect.poll(left, { timeout: 30_000 }).not.toContain(id);
		},
	};
}

/** A pod that crashes; its core goes to a folder that the agent does not watch. */
async function crashedPod(node: RealNode, home: Installation, name: string) {
	const cores = home.place('kept-back');
	return {
		...(await pod(node, cores, name, 'null')),
		/** The agent finds the core only now. */
		deliver(): void {
			const core = readdirSync(cores).find((one) => one.includes(`.${name}.`)) ?? '';
			renameSync(join(cores, core), join(home.place('cores'), core));
		},
		report: async () => {
			const found = () => home.reports().find(({ association, core, stack }) => association.pod === name && core && stack);
			await expect.poll(found, { timeout: 60_000, message: name }).toMatchObject({ storage: { form: 'full' } });
			return crashReport.parse(found());
		},
	};
}

describeRealNode('an agent on a real node', () => {
	test('finds the symbols of a container that has ended, also when it was removed, and says so when its image was', async () => {
		await using home = await installation({ collector: { correlationTimeout: '5s', journaldPath: '/nowhere' } });
		await using _pattern = await setCorePattern(`${home.place('kept-back')}/core.%e.%P.%h.%t`);
		await using node = await realNode();
		home.configure({ discovery: { podLogsPath: node.podLogs, containerdTasksPath: node.containerdTasks } });
		await node.importImage(image, await imageOfProgram());
		const args = ['--config', home.config, '--kubeconfig', node.kubeconfig, '--node', node.nodeName];
		const start = () => home.start({}, node.inside, args);
		const remembered = () => {
			using journal = readJournal(home.place('journal.db'));
			return journal.bookmark('roots') ?? '';
		};
		const before = await start();
		await before.line('discovery is ready');
		// Of a container that is too quick to be seen, the image is known by another.
		const living = await pod(node, home.place('kept-back'), 'living', 'wait');
		await expect.poll(remembered, { timeout: 20_000 }).toContain(living.id);
		const ended = await crashedPod(node, home, 'ended');
		const removed = await crashedPod(node, home, 'removed');
		const last = await crashedPod(node, home, 'last');
		await living.remove();
		const lower = Object.values(JSON.parse(remembered()).images as Record<string, string[]>)[0]?.[0] ?? '';
		await before.stop();

		const agent = await start();
		await agent.line('discovery is ready');
		expect((await exec('nsenter', [...node.inside.slice(1), 'cat', '/proc/self/mountinfo'])).stdout).not.toContain(`${ended.id}/rootfs`);
		ended.deliver();
		const symbols = {
			...{ stack: 'agent+gdb', culprit: { function: 'write_null', file: expect.stringMatching(/faults\.c$/), line: expect.any(Number) } },
			modules: expect.arrayContaining([
				expect.objectContaining({ path: '/milvus/bin/milvus', file: 'same', symbols: 'full' }),
				expect.objectContaining({ path: '/milvus/lib/libc.so.6', file: 'same' }),
				expect.objectContaining({ path: '/milvus/lib/ld.so', file: 'same' }),
			]),
		};
		const report = await ended.report();
		expect(report).toMatchObject({ ...symbols, association: { containerId: ended.id } });
		expect(report.notes).toEqual([]);
		expect(report.threads[0]?.frames.map((frame) => frame.function)).toContain('main');
		const [enter = '', ...inside] = node.inside;
		const debugged = await exec(enter, [...inside, bin, 'gdb', report.id, '--config', home.config, '--', '-batch', '-ex', 'bt']);
		expect(debugged.stdout).toEqual(expect.stringMatching(/#0 .*write_null.*faults\.c:\d+\n(.*\n)*#\d+ .*main /));

		await removed.remove();
		removed.deliver();
		expect(await removed.report()).toMatchObject(symbols);

		await ended.remove();
		await last.remove();
		// It is known by its digest too.
		const names = (await node.ctr('images', 'list', '-q')).split('\n').filter((name) => /^sha256:/.test(name) || name === image);
		await node.ctr('images', 'rm', '--sync', ...names);
		await expect.poll(() => existsSync(lower), { timeout: 30_000 }).toBe(false);
		last.deliver();
		const bare = await last.report();
		expect(bare.modules.find(({ path }) => path === '/milvus/bin/milvus')).toMatchObject({ file: 'missing', symbols: 'none' });
		expect(bare.notes).toContainEqual(
			`the files of container ${last.id.slice(0, 12)} are not on the node any more, as its image was removed: unpack its image and give that by analyze --sysroot, put the files into a folder of analyzer.symbols.paths, or set analyzer.symbols.debuginfod to a server that has them`,
		);
		await agent.stop();
	});
});
