import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { opinionsName } from '../../src/domain/rights.ts';
import { pipeHandler, ways } from '../support/core-ways.ts';
import { exec, program, setCorePattern } from '../support/crash.ts';
import { type Delivered, delivered, shellImage } from '../support/delivery.ts';
import { buildTimeoutMs, describeImage } from '../support/image/image.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode } from '../support/kubernetes/real-node.ts';
import { modelServer, openaiError, serverModel, written } from '../support/model-server.ts';
import { testUnless } from '../support/needed.ts';
import { opinions } from '../support/opinions.ts';

const { answer } = opinions.given;

const onNode = () => {
	let node: Delivered;
	beforeAll(async () => {
		node = await delivered();
	}, buildTimeoutMs);
	afterAll(async () => node?.[Symbol.asyncDispose](), 60_000);

	for (const { name, missing, take } of ways) {
		testUnless(`passes the seven steps of scripts/verify.sh with ${name}`, missing, async () => {
			await using way = await take(node.folder);
			// It looks at the machine's core_pattern when it starts.
			await node.restartAgent();
			const volume = way.isWrittenInPod ? { CRASH_VOLUME: `/var/lib/systemd/coredump:${way.cores}` } : {};
			const { code, output } = await node.script('verify.sh', { CRASH_IMAGE: shellImage, ...volume });
			process.stdout.write(output);
			expect(output.split('\n').map((line) => line.replace(/ \(.*/, ''))).toEqual([
				'1/7 pod crashes … ok',
				'2/7 instance and restart discovered … ok',
				'3/7 core collected and associated … ok',
				'4/7 stack extracted … ok',
				'5/7 scored … ok',
				'6/7 analysed by a model … not configured',
				'7/7 stored and readable … ok',
				expect.stringContaining('All is well.'),
				'',
			]);
			expect(code).toBe(0);
			expect(output).toContain(way.journal === undefined ? 'ok (strong, by host name' : 'ok (exact, by cgroup');
			expect(output).toContain('culprit read_row_count');
			expect(await node.kubectl('get', 'pods', '-l', 'app.kubernetes.io/name=milvus', '-o', 'name')).toBe('');
			expect(await node.kubectl('get', 'configmap', 'crash-test-program', '--ignore-not-found')).toBe('');
		});
	}

	test('does not pass where cores go nowhere, and says in a line what is wrong and where to look', async () => {
		await using _pattern = await setCorePattern('/nowhere/core.%P');
		const { code, output } = await node.script('verify.sh', { CRASH_IMAGE: shellImage, TIMEOUT: '15' });
		expect(output).toMatch(
			/^3\/7 core collected and associated … FAILED\nverify: no core of pod test-crash-pod-\d+ comes to the agent.*: see .* doctor\n$/m,
		);
		expect(code).toBe(1);
		expect(await node.kubectl('get', 'pods', '-l', 'app.kubernetes.io/name=milvus', '-o', 'name')).toBe('');
		const elsewhere = await node.script('verify.sh', { NAMESPACE: 'kube-system' });
		expect(elsewhere).toEqual({
			code: 1,
			output: expect.stringMatching(/^verify: no DaemonSet milvus-coredump-agent in namespace kube-system: .*\n$/),
		});
	});

	test('passes the seven steps of scripts/verify.sh with a model, whose answer is kept for all nodes', async () => {
		await using _way = await pipeHandler.take(node.folder);
		await using door = await node.door(8000);
		await using server = await modelServer('local', door);
		server.always(written(JSON.stringify(answer)));
		await using _asking = await node.configured(asking(server.baseURL, serverModel));
		const { code, output } = await node.script('verify.sh', { CRASH_IMAGE: shellImage });
		process.stdout.write(output);
		expect(output.split('\n').slice(5)).toEqual([
			`6/7 analysed by a model … ok (${serverModel}: ${answer.summary})`,
			expect.stringMatching(/^7\/7 stored and readable … ok \(/),
			expect.stringContaining('All is well.'),
			'',
		]);
		expect(code).toBe(0);
		expect(await fieldsOf(node, output, '.spec.opinion.summary')).toContain(answer.summary);

		const questions = server.asked().filter(({ body }) => JSON.stringify(body.messages).includes('COREDUMP ANALYSIS REQUEST'));
		expect(questions).toHaveLength(1);
		const { data } = JSON.parse(await node.kubectl('get', 'configmap', opinionsName, '-o', 'json'));
		expect(JSON.parse(data.book)).toMatchObject({ answers: [{ given: { model: serverModel, answer } }], open: [] });
		const log = await node.kubectl('logs', 'daemonset/milvus-coredump-agent');
		expect(log).toContain('AI analysis completed');
		expect(log).not.toMatch(/forbidden/i);
	});

	test('stores a core all the same where no model answers, and scripts/verify.sh says why none does', async () => {
		await using _way = await pipeHandler.take(node.folder);
		await using _asking = await node.configured(asking('http://10.250.0.1:8001/v1', 'not asked before'));
		const { code, output } = await node.script('verify.sh', { CRASH_IMAGE: shellImage, TIMEOUT: '30' });
		process.stdout.write(output);
		expect(output.split('\n').slice(0, 5)).toEqual([1, 2, 3, 4, 5].map((step) => expect.stringMatching(new RegExp(`^${step}/7 .* … ok `))));
		expect(output.split('\n').slice(5)).toEqual([
			'6/7 analysed by a model … FAILED',
			expect.stringMatching(/^verify: it is not asked yet, or does not answer.*10\.250\.0\.1:8001.*connection refused.*: see .* doctor$/),
			'',
		]);
		expect(code).toBe(1);
		expect(await fieldsOf(node, output, '.spec.storage.form')).toContain('full');
		expect(new Set(await fieldsOf(node, output, '.spec.opinion.is'))).toEqual(new Set(['']));
	});

	test('stores a core all the same where the service refuses the key of the model, which scripts/verify.sh and doctor say', async () => {
		await using _way = await pipeHandler.take(node.folder);
		await using door = await node.door(8000);
		await using server = await modelServer('local', door);
		server.always(openaiError(401, 'invalid_api_key', 'Incorrect API key provided.'));
		await using _asking = await node.configured(asking(server.baseURL, 'refused'));
		const { code, output } = await node.script('verify.sh', { CRASH_IMAGE: shellImage });
		process.stdout.write(output);
		const reason = 'the service wants a key (aiAnalysis.apiKey or apiKeyFile): HTTP 401, invalid_api_key: Incorrect API key provided.';
		expect(output.split('\n').slice(5)).toEqual(['6/7 analysed by a model … FAILED', `verify: not available (${reason})`, '']);
		expect(code).toBe(1);
		expect(await fieldsOf(node, output, '.spec.storage.form')).toContain('full');
		expect(await node.inAgent(['sh', '-c', 'milvus-coredump-agent doctor || true'])).toContain(`(openai-compatible): ${reason}\n`);
	});

	test('keeps its own memory below 128 MiB while a core of 4 GB passes through', async () => {
		await using _way = await pipeHandler.take(node.folder);
		await node.importImage(image, { '/milvus/bin/milvus': await program('fills.c', ['-O1', '-static', '-Wl,--build-id']) });
		await node.restartAgent();
		const idle = await memoryOf(node);
		const pod = 'search-milvus-querynode-0';
		await podOnNode(node, pod, ['4'], {}, { restartPolicy: 'Never' });
		const stored = async () => {
			const path = '{range .items[?(@.spec.association.pod=="search-milvus-querynode-0")]}{.spec.storage.form} {.spec.core.sizeBytes}{end}';
			return node.kubectl('get', 'crashreports', '-o', `jsonpath=${path}`);
		};
		await expect.poll(stored, { timeout: 150_000, interval: 1000 }).toMatch(/^full 4\d{9}$/);
		const after = await memoryOf(node);
		process.stdout.write(
			`the agent's own memory in MiB: ${idle.now} when idle, ${after.peak} at most with a core of 4 GB, ${after.now} after it\n`,
		);
		expect(idle.now).toBeLessThan(128);
		expect(after.peak).toBeLessThan(128);
		await node.kubectl('delete', 'pod', pod, '--now');
	}, 180_000);

	test('can do nothing that it has no need of', async () => {
		const closed = join(node.folder, 'journal/closed');
		writeFileSync(closed, 'secret', { mode: 0o600 });
		await exec('chown', ['1000', closed]);
		const tries = await program('tries.c', ['-static']);
		const [agent = ''] = (await node.kubectl('get', 'pods', '-l', 'app=milvus-coredump-agent', '-o', 'name')).split('\n');
		await exec('bash', [
			'-c',
			'"$0" --kubeconfig "$1" exec -i "$2" -- sh -c "cat >/tmp/tries && chmod +x /tmp/tries" <"$3"',
			node.program,
			node.kubeconfig,
			agent,
			tries,
		]);
		const told = (await node.inAgent(['/tmp/tries', String(process.pid)])).trim().split('\n');
		const places = told.filter((line) => /^(?:write to|remount) \/host\//.test(line));
		expect(places.length).toBeGreaterThan(10);
		for (const line of places) expect(line).toMatch(/^write to .*: (?:EROFS|EACCES)$|^remount .*: (?:EPERM|EACCES)$/);
		expect(told.filter((line) => !places.includes(line))).toEqual([
			'write to the root: EROFS',
			...['mount', 'unshare mounts', 'unshare users', 'chroot', 'mknod', 'open a raw socket', 'open a packet socket'].map(refused),
			...['load a module', 'load a kernel', 'bpf', "read the kernel's log", 'set the host name', 'become another user'].map(refused),
			...['kill a process of the machine: ESRCH', 'trace a process of the machine: ESRCH', 'processes of others: 0'],
			...['open by handle: EPERM', 'read a file of another user: EACCES', 'read what the kubelet keeps: ENOENT'],
			...['connect to containerd: EACCES', 'connect to containerd of the machine: ENOENT', 'connect to systemd: ENOENT'],
			'open a disk: ENOENT',
		]);
	});

	test('may do nothing in the cluster that it has no need of', async () => {
		const kubeconfig = await node.kubeconfigOf('default', 'milvus-coredump-agent');
		const asAgent = (...args: readonly string[]) => exec(node.program, ['--kubeconfig', kubeconfig, ...args]);
		expect((await asAgent('get', 'pods', '-o', 'name')).stdout).toContain('pod/milvus-coredump-agent-');
		const tried = [
			['get', 'secrets'],
			['delete', 'pods', '--all', '--wait=false'],
			['exec', 'daemonset/milvus-coredump-agent', '--', 'true'],
			['create', 'token', 'default'],
			['get', 'pods', '--as', 'system:admin'],
		];
		for (const args of tried) await expect(asAgent(...args), args.join(' ')).rejects.toThrow(/[Ff]orbidden/);
	});
};

describeRealNode('the image on a real node', () => describeImage('brought there by scripts/deploy.sh', onNode));

/** The configuration with a model that is asked. */
const asking = (baseURL: string, model: string) => (config: string) =>
	config.replace(
		/^aiAnalysis:\n(?: .*\n)*/m,
		`aiAnalysis: {enabled: true, provider: openai-compatible, baseURL: "${baseURL}", model: ${model}}\n`,
	);

/** A field of each crash of the pod that verify.sh made; empty where there is none. */
async function fieldsOf(node: Delivered, output: string, field: string): Promise<string[]> {
	const ofPod = `?(@.spec.association.instance=="${/verify-\d+/.exec(output)?.[0]}")`;
	const lines = await node.kubectl('get', 'crashreports', '-o', `jsonpath={range .items[${ofPod}]}{${field}}{"\\n"}{end}`);
	return lines.split('\n').slice(0, -1);
}

const refused = (what: string) => `${what}: EPERM`;

/** Of the agent's process, without the debugger and packers that it starts; in MiB. */
async function memoryOf(node: Delivered): Promise<{ readonly now: number; readonly peak: number }> {
	const status = await node.inAgent(['cat', '/proc/1/status']);
	const field = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024);
	return { now: field('VmRSS'), peak: field('VmHWM') };
}
