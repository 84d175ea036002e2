import { mkdtemp, open, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defined } from '../../base/defined.ts';
import { isSystemError, systemMessageOf } from '../../base/errors.ts';
import { type Ended, run } from '../process/process.ts';
import { type Ran, refusal } from './words.ts';

export type Place = {
	/** Which API server, and as whom: a kubeconfig that needs no other file but those that it names by absolute paths. */
	readonly kubeconfig: () => string;
	/** Of which helm is given `PATH`, proxies, and where certificates are. */
	readonly environment: Readonly<Record<string, string | undefined>>;
	/** A file, or a name to be found in `PATH`: `helm`, if nothing else is said. */
	readonly program?: string;
	/** Where helm finds a folder of its own, which is gone afterwards; if nothing else is said, that for temporary files. */
	readonly folder?: string;
};

export type Run = { readonly args: readonly string[]; readonly release: string; readonly timeoutMs: number };

/** The end of what it wrote. */
type Said = { readonly is: 'said'; readonly stdout: string; readonly stderr: string };

/** What helm needs beyond the time that it was given for each thing to wait for. */
const graceMs = 30_000;

/** A hook may write as much as it likes. */
const keptBytes = 256 << 10;

/** Runs helm once. It handles no signals here, so that SIGKILL is as good to it as any other. */
export async function start(
	place: Place,
	{ args, release, timeoutMs }: Run,
	signal: AbortSignal,
): Promise<Said | Exclude<Ran, { is: 'done' }>> {
	signal.throwIfAborted();
	const { program = 'helm' } = place;
	const deadlineMs = timeoutMs + graceMs;
	const room = await makeRoom(place);
	if ('words' in room) return { is: 'failed', words: room.words };
	try {
		const { how, stdout, stderr } = await run(program, [`--kubeconfig=/proc/self/fd/${firstDescriptor}`, ...args], {
			environment: environmentOf(place, room.home),
			descriptors: [room.kubeconfig.fd],
			timeoutMs: deadlineMs,
			maxOutputBytes: keptBytes,
			keepsEnd: true,
			signal,
		});
		if (how.is !== 'exited') return { is: 'failed', words: ending(how, program, deadlineMs) };
		return how.code === 0 ? { is: 'said', stdout, stderr } : refusal(stderr, how.code, release);
	} finally {
		await room[Symbol.asyncDispose]();
	}
}

/** Descriptors from 3 on are those that are handed over. */
const firstDescriptor = 3;

/** A folder, and the kubeconfig as a file without a name, which is gone with the processes that have it open, however they end: it may hold secrets. */
async function makeRoom({ folder = tmpdir(), kubeconfig: text }: Place) {
	await using stack = new AsyncDisposableStack();
	try {
		const home = await mkdtemp(join(folder, 'milvus-coredump-agent-helm-'));
		stack.defer(() => rm(home, { recursive: true, force: true }));
		const path = join(home, 'kubeconfig');
		const kubeconfig = stack.use(await open(path, 'wx+', 0o600));
		await unlink(path);
		await kubeconfig.writeFile(text());
		const all = stack.move();
		return { home, kubeconfig, [Symbol.asyncDispose]: () => all.disposeAsync() };
	} catch (error) {
		if (!isSystemError(error)) throw error;
		return { words: `helm has no place to work: ${systemMessageOf(error)}` };
	}
}

const handedOn = [
	'PATH',
	'SSL_CERT_FILE',
	'SSL_CERT_DIR',
	'HTTP_PROXY',
	'HTTPS_PROXY',
	'NO_PROXY',
	'http_proxy',
	'https_proxy',
	'no_proxy',
];

function environmentOf({ environment }: Place, home: string): Readonly<Record<string, string>> {
	return {
		...defined(Object.fromEntries(handedOn.map((name) => [name, environment[name]]))),
		HOME: home,
		TMPDIR: home,
		HELM_CACHE_HOME: join(home, 'cache'),
		HELM_CONFIG_HOME: join(home, 'config'),
		HELM_DATA_HOME: join(home, 'data'),
	};
}

function ending(how: Exclude<Ended['how'], { is: 'exited' }>, program: string, deadlineMs: number): string {
	switch (how.is) {
		case 'not found':
			return `${program} is not installed: https://helm.sh/docs/intro/install/`;
		case 'timed out':
			return `helm was still at work after ${deadlineMs / 1000} s, and was ended`;
		case 'killed':
			return `helm was ended by ${how.by}`;
		case 'wrote too much':
			return 'helm wrote too much';
		default:
			return how satisfies never;
	}
}
