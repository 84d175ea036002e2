/**
 * A process of its own, started by `nfs.ts` for one operation on an NFS mount: it may hang, and be killed. It ends when it has answered, or when whoever
 * started it is gone.
 */
import { constants, read } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import { type Backend, BackendRefused, BackendUnavailable, type Content, NotStored, type StoredFile } from '../../domain/backend.ts';
import { localBackend } from '../local/local.ts';
import type { Answer, ErrorName, Last, Request, Said } from './messages.ts';
import { enter } from './mount.ts';
import { ownPart, sweepParts } from './parts.ts';

/** So many files are told of at once. */
const batchSize = 256;
const stop = new AbortController();
let onAnswer: ((answer: Answer) => void) | undefined;

process.on('message', (message) => {
	const answer = message as Request | Answer;
	if (answer.is === 'stop') stop.abort(new Error('told to stop'));
	if (answer.is === 'stop' || answer.is === 'go on') onAnswer?.(answer);
	else void work(answer);
});
// Nothing that hangs lets a process exit by itself.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

async function work(request: Request): Promise<void> {
	const last = await answerTo(request).catch(failure);
	process.send?.(last, () => process.kill(process.pid, 'SIGKILL'));
}

async function answerTo(request: Request): Promise<Last> {
	await enter(request.path);
	const { signal } = stop;
	const backend = directory(request);
	switch (request.is) {
		case 'put': {
			const { sha256, sizeBytes } = await backend.put(request.name, asked, signal);
			return { is: 'done', written: { sha256, sizeBytes } };
		}
		case 'get':
			for await (const chunk of backend.get(request.name, signal, request.from)) await say({ is: 'read', chunk });
			return { is: 'done' };
		case 'list':
			await tellAll(backend.list(request.prefix, signal));
			return { is: 'done' };
		case 'remove':
			await backend.remove(request.names, signal);
			return { is: 'done' };
		case 'health':
			await backend.health(signal);
			await sweepParts(request.node);
			return { is: 'done' };
		case 'space':
			await say({ is: 'looked', space: await backend.space(signal) });
			return { is: 'done' };
		default:
			return request satisfies never;
	}
}

/** The directory that is entered: paths are from there, whatever is mounted or unmounted meanwhile. */
const directory = ({ path, floor, node }: Request): Backend =>
	localBackend('.', floor, undefined, {
		name: path,
		setting: 'storage.nfs.path',
		part: () => ownPart(node),
		syncsOften: true,
		// What the server has is read, not what this machine still remembers of it.
		readBackFlags: constants.O_RDONLY | constants.O_DIRECT,
		moved: async () => void (await say({ is: 'moved' })),
	});

/** One piece of memory for all that passes through. */
const buffer = Buffer.alloc(256 * 1024);
const readInput = promisify(read);

const asked: Content = {
	async *open() {
		for (let left = await say({ is: 'wants more' }); left > 0; left = await say({ is: 'wants more' })) {
			while (left > 0) {
				const { bytesRead } = await readInput(0, buffer, 0, Math.min(left, buffer.length), null);
				if (bytesRead === 0) throw new Error('the content ends too early');
				left -= bytesRead;
				yield buffer.subarray(0, bytesRead);
			}
		}
	},
};

async function tellAll(found: AsyncIterable<StoredFile>): Promise<void> {
	let files: StoredFile[] = [];
	for await (const file of found) {
		files.push(file);
		if (files.length < batchSize) continue;
		await say({ is: 'found', files });
		files = [];
	}
	if (files.length > 0) await say({ is: 'found', files });
}

/** @returns how many bytes come on standard input */
async function say(said: Exclude<Said, Last>): Promise<number> {
	stop.signal.throwIfAborted();
	const { promise, resolve } = Promise.withResolvers<Answer>();
	onAnswer = resolve;
	process.send?.(said, () => {}); // that nobody listens any more, `disconnect` tells
	const answer = await promise;
	stop.signal.throwIfAborted();
	return answer.is === 'go on' ? (answer.sizeBytes ?? 0) : 0;
}

function failure(error: unknown): Last {
	const names: readonly ErrorName[] = ['BackendUnavailable', 'BackendRefused', 'NotStored'];
	const isExpected = error instanceof BackendUnavailable || error instanceof BackendRefused || error instanceof NotStored;
	const name = isExpected ? names.find((one) => one === error.name) : undefined;
	const text = error instanceof Error && !isExpected ? (error.stack ?? error.message) : messageOf(error);
	return { is: 'failed', error: name ?? 'Error', message: text };
}
