import { join } from 'node:path';
import { BackendRefused, BackendUnavailable, NotStored } from '../../domain/backend.ts';
import { type Helper, HelperEnded, HelperSilent, startHelper } from '../process/process.ts';
import type { Answer, ErrorName, Last, Operation, Place, Said } from './messages.ts';

/** An operation that a helper is at. At the end of the block the helper is told to stop, if it has not ended by itself. */
export type Asked = AsyncDisposable & {
	/** @returns what it says first */
	start(): Promise<NoFailure>;
	/**
	 * Lets it go on, with more of the content where it asked for that.
	 *
	 * @returns what it says next
	 */
	goOn(content?: Uint8Array): Promise<NoFailure>;
};

/** A failure is thrown. */
type NoFailure = Exclude<Said, { readonly is: 'failed' }>;

/** So many helpers that hang and can't be killed are enough: each keeps its memory until the mount answers. */
const maxHanging = 3;
/** What a helper that is told to stop has to remove what it was writing. */
const graceMs = 2_000;

/** Beside this file as source, and beside the one file of the bundle. */
const script = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'worker.ts' : 'nfs-worker.mjs');

/**
 * Has operations done, each by a helper of its own.
 *
 * @param onError told of each failure before it is thrown
 */
export function helpersFor(place: Place, onError: (error: unknown) => void) {
	const hanging = new Set<Helper>();

	return (operation: Operation, patienceMs: number, signal: AbortSignal): Asked => {
		let helper: Helper | undefined;
		let state: 'at work' | 'ended' | 'silent' = 'at work';

		async function start(): Promise<NoFailure> {
			signal.throwIfAborted();
			if (hanging.size >= maxHanging) throw new BackendUnavailable(`${place.path} still does not answer ${advice}`);
			helper = startHelper(script);
			helper.send({ ...place, ...operation });
			return next(helper);
		}

		async function next(helper: Helper): Promise<NoFailure> {
			try {
				const said = (await helper.next(patienceMs, signal)) as Said;
				if (said.is === 'done' || said.is === 'failed') state = 'ended';
				if (said.is === 'failed') throw errorOf(said);
				return said;
			} catch (cause) {
				if (cause instanceof HelperSilent) state = 'silent';
				const error = told(cause, patienceMs);
				onError(error);
				throw error;
			}
		}

		async function goOn(content?: Uint8Array): Promise<NoFailure> {
			if (!helper) throw new Error('not started');
			helper.send({ is: 'go on', sizeBytes: content?.length ?? 0 } satisfies Answer);
			if (content) helper.feed(content);
			return next(helper);
		}

		async function end(): Promise<void> {
			if (!helper) return;
			const ending = helper;
			if (state === 'at work') ending.send({ is: 'stop' } satisfies Answer);
			if (await ending.end(state === 'silent' ? 0 : graceMs)) return;
			hanging.add(ending);
			void ending.ended.then(() => hanging.delete(ending));
		}

		return { start, goOn, [Symbol.asyncDispose]: end };
	};

	function told(error: unknown, patienceMs: number): unknown {
		if (error instanceof HelperSilent)
			return new BackendUnavailable(`${place.path} has not answered for ${patienceMs / 1000} seconds ${advice}`, { cause: error });
		if (error instanceof HelperEnded)
			return new BackendUnavailable(`the process that works on ${place.path} was killed: tried again later`, { cause: error });
		return error;
	}
}

const advice = '(storage.nfs.path): is its NFS server up?';

const errors: Readonly<Record<ErrorName, new (message: string) => Error>> = { BackendUnavailable, BackendRefused, NotStored, Error };
const errorOf = ({ error, message }: Extract<Last, { readonly is: 'failed' }>) => new errors[error](message);
