import { join } from 'node:path';
import { type Backend, type Content, checkName, isBackendError, type Space, type Stored, type StoredFile } from '../../domain/backend.ts';
import { withoutSlash } from '../local/local.ts';
import { helpersFor } from './asking.ts';
import type { Operation, Place, Said } from './messages.ts';

export type NfsOptions = Place & {
	/** For how long an operation may stand still; one of health not as long. */
	readonly patienceMs?: number;
};

/** A server that is started anew lets its clients wait for a minute and a half (`nfsv4gracetime`). */
const usualPatienceMs = 120_000;
const healthPatienceMs = 10_000;
/** How long what answered is taken to answer still: each time it is asked, a process is started. */
const trustMs = 60_000;

/**
 * A directory on an NFS mount. When the server does not answer, calls of the system wait, for ever on a `hard` mount, and four of them take all of
 * Node's threads for files with them. So nothing of this process touches the mount: each operation is done by a helper, which is killed when it
 * stands still.
 */
export function nfsBackend({ patienceMs = usualPatienceMs, ...place }: NfsOptions): Backend {
	let trustedUntil = 0;
	const ask = helpersFor(place, (error) => {
		if (isBackendError(error)) trustedUntil = 0;
	});

	async function put(name: string, content: Content, signal: AbortSignal): Promise<Stored> {
		const operation = { is: 'put', name: checkName(name) } as const;
		await using helper = ask(operation, patienceMs, signal);
		let chunks: AsyncIterator<Uint8Array> | undefined;
		try {
			for (let said = await helper.start(); ; ) {
				if (said.is === 'done' && said.written) return { location: join(place.path, name), ...said.written };
				if (said.is === 'wants more') {
					chunks ??= content.open(signal)[Symbol.asyncIterator]();
					const { value, done } = await nextChunk(chunks);
					said = await helper.goOn(done ? undefined : value);
				} else said = await helper.goOn();
			}
		} finally {
			await chunks?.return?.();
		}
	}

	async function* get(name: string, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
		for await (const said of all({ is: 'get', name: checkName(name), from }, patienceMs, signal)) if (said.is === 'read') yield said.chunk;
	}

	async function* list(prefix: string, signal: AbortSignal): AsyncIterable<StoredFile> {
		for await (const said of all({ is: 'list', prefix }, patienceMs, signal)) if (said.is === 'found') yield* said.files;
	}

	async function remove(names: readonly string[], signal: AbortSignal): Promise<void> {
		await Array.fromAsync(all({ is: 'remove', names: names.map(checkName) }, patienceMs, signal));
	}

	async function health(signal: AbortSignal): Promise<void> {
		if (performance.now() < trustedUntil) return;
		await Array.fromAsync(all({ is: 'health' }, Math.min(healthPatienceMs, patienceMs), signal));
		trustedUntil = performance.now() + trustMs;
	}

	async function space(signal: AbortSignal): Promise<Space | undefined> {
		let found: Space | undefined;
		for await (const said of all({ is: 'space' }, patienceMs, signal)) if (said.is === 'looked') found = said.space;
		return found;
	}

	/** Half-written files are removed whenever health is asked for, which need not be waited for. */
	async function start(): Promise<undefined> {}

	async function* all(operation: Operation, patience: number, signal: AbortSignal): AsyncGenerator<Said> {
		await using helper = ask(operation, patience, signal);
		for (let said = await helper.start(); said.is !== 'done'; said = await helper.goOn()) yield said;
	}

	return { kind: 'nfs', place: withoutSlash(place.path), start, put, get, list, remove, health, space };
}

/** Nothing would be its end. */
async function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
	for (;;) {
		const result = await chunks.next();
		if (result.done || result.value.length > 0) return result;
	}
}
