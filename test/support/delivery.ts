import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from './crash.ts';
import { agentImage } from './image/image.ts';
import { find } from './kubernetes/programs.ts';
import { type RealNode, realNode } from './kubernetes/real-node.ts';

/** A node on which the agent's image runs as a user brings it there. */
export type Delivered = RealNode & {
	/** Where the node's folders are here: `cores` is /var/lib/systemd/coredump, `journal` /var/log/journal, `store` /data/coredumps. */
	readonly folder: string;
	/** kubectl's path. */
	readonly program: string;
	/** Runs one of the scripts as a user does who has kubectl for the cluster. */
	script(name: string, environment?: Readonly<Record<string, string>>): Promise<{ readonly code: number; readonly output: string }>;
	/** Starts the agent with another configuration; afterwards it has the one from before again. @param change of the text of its file */
	configured(change: (config: string) => string): Promise<AsyncDisposable>;
	/** Starts the agent anew, and waits until it is ready. */
	restartAgent(): Promise<void>;
	/** Runs a command in the agent's container. @returns what it prints */
	inAgent(command: readonly string[]): Promise<string>;
};

/** The image of pods that crash; it has the shell and the programs that deploy/test-crash-pod.yaml takes, as alpine has. */
export const shellImage = 'localhost/shell:1';

const agent = 'milvus-coredump-agent';

export async function delivered(): Promise<Delivered> {
	await using ending = new AsyncDisposableStack();
	const folder = mkdtempSync(join(tmpdir(), 'delivered-'));
	ending.defer(() => rmSync(folder, { recursive: true }));
	const { archive } = await agentImage();
	const node = ending.use(
		await realNode({
			'/var/lib/systemd/coredump': join(folder, 'cores'),
			'/data/coredumps': join(folder, 'store'),
			'/var/lib/milvus-coredump-agent': join(folder, 'state'),
		}),
	);
	mkdirSync(join(node.logs, 'journal'));
	symlinkSync(join(node.logs, 'journal'), join(folder, 'journal'));
	await node.ctr('images', 'import', archive);
	await node.importImage(shellImage, { '/bin/sh': '/bin/busybox', '/bin/cp': '/bin/busybox', '/bin/sleep': '/bin/busybox' });
	const program = join(await find('kubernetes'), 'kubectl');
	const kubectl = `${program} --kubeconfig ${node.kubeconfig}`;
	const script: Delivered['script'] = async (name, environment = {}) => {
		const env = { PATH: process.env.PATH, HOME: folder, KUBECTL: kubectl, ...environment };
		const child = spawn(join(root, 'scripts', name), { env, stdio: ['ignore', 'pipe', 'pipe'] });
		const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
		return { code: child.exitCode ?? -1, output: output + errors };
	};
	const { code, output } = await script('deploy.sh');
	if (code !== 0) throw new Error(`${output}\n${await node.kubectl('describe', 'pods')}`);
	// A user waits half a minute for what may yet become known of whose a core is.
	const { data } = JSON.parse(await node.kubectl('get', 'configmap', agent, '-o', 'json'));
	const usual = String(data['config.yaml']).replace('correlationTimeout: 30s', 'correlationTimeout: 5s');
	const configure = (config: string) =>
		node.kubectl('patch', 'configmap', agent, '--type', 'merge', '--patch', JSON.stringify({ data: { 'config.yaml': config } }));
	await configure(usual);
	async function restartAgent() {
		await node.kubectl('rollout', 'restart', `daemonset/${agent}`);
		await node.kubectl('rollout', 'status', `daemonset/${agent}`, '--timeout', '90s');
	}
	const ended = ending.move();
	return {
		...node,
		folder,
		program,
		script,
		async configured(change) {
			await using putBack = new AsyncDisposableStack();
			putBack.defer(async () => {
				await configure(usual);
				await restartAgent();
			});
			await configure(change(usual));
			await restartAgent();
			return putBack.move();
		},
		restartAgent,
		inAgent: (command) => node.kubectl('exec', `daemonset/${agent}`, '--', ...command),
		[Symbol.asyncDispose]: () => ended.disposeAsync(),
	};
}
