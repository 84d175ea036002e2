import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipeHandler, ways } from '../support/core-ways.ts';
import { exec, program, setCorePattern } from '../support/crash.ts';
import { type Delivered, delivered, shellImage } from '../support/delivery.ts';
import { buildTimeoutMs, describeImage } from '../support/image/image.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode } from '../support/kubernetes/real-node.ts';
import { testUnless } from '../support/needed.ts';

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

const refused = (what: string) => `${what}: EPERM`;

/** Of the agent's process, without the debugger and packers that it starts; in MiB. */
async function memoryOf(node: Delivered): Promise<{ readonly now: number; readonly peak: number }> {
	const status = await node.inAgent(['cat', '/proc/1/status']);
	const field = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024);
	return { now: field('VmRSS'), peak: field('VmHWM') };
}
