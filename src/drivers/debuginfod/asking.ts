import { isSystemError } from '../../base/errors.ts';
import { connectionCut, networkWords } from '../../base/network-words.ts';
import { formatBytes, formatSpan } from '../../base/quantity.ts';
import { type TimeLimit, timeLimit } from '../../base/time-limit.ts';
import { type Address, questionOf } from './address.ts';
import { builtFile } from './built-file.ts';
import { buildFileName, type FileKind } from './file-kind.ts';
import type { KeptFiles } from './kept-files.ts';
import { ask } from './request.ts';
import { NoRoomError } from './room.ts';

/** What came on one question. */
export type Came =
	| { readonly is: 'file'; readonly path: string }
	| { readonly is: 'none' }
	/** The server answers, and what it gives is of no use. */
	| { readonly is: 'refused'; readonly reason: string }
	/** It would be of use, but can't be kept. */
	| { readonly is: 'no room'; readonly reason: string }
	/** `isSure`: the next question would fare no better. */
	| { readonly is: 'failed'; readonly reason: string; readonly isSure: boolean };

type Options = {
	readonly address: Address;
	readonly kept: KeptFiles;
	readonly limits: { readonly mostFileBytes: number; readonly silenceMs: number };
};

const userAgent = 'milvus-coredump-agent';

/**
 * Asks for one file, and keeps it if it is of the build.
 *
 * @throws the signal's reason
 * @throws errors of the system: the file can't be written
 */
export async function fetched(buildId: string, kind: FileKind, { address, kept, limits }: Options, signal: AbortSignal): Promise<Came> {
	using silence = timeLimit(signal, limits.silenceMs);
	let isAnswered = false;
	try {
		const head = await ask(questionOf(address, buildId, kind), { ...address.headers, 'user-agent': userAgent }, silence.signal);
		isAnswered = true;
		if (head.is === 'elsewhere') return { is: 'failed', reason: `it sends on to ${head.host}, where nothing is asked`, isSure: true };
		if (head.is === 'status') return ofStatus(head.status);
		const content = within(head.content, head.announcedBytes ?? 0, limits.mostFileBytes, silence);
		const path = await kept.keep(buildFileName(buildId, kind), content, async (part) => {
			const problem = await whatIsWrong(part, buildId);
			if (problem !== undefined) throw new RefusedError(`what it gave ${problem}`);
		});
		return { is: 'file', path };
	} catch (error) {
		if (error instanceof RefusedError) return { is: 'refused', reason: error.message };
		if (error instanceof NoRoomError) return { is: 'no room', reason: error.message };
		if (isSystemError(error)) throw error;
		signal.throwIfAborted();
		if (silence.isOver) return { is: 'failed', reason: `nothing came for ${formatSpan(limits.silenceMs)}`, isSure: true };
		const words = networkWords(error);
		if (isAnswered) return { is: 'failed', reason: `the answer broke off: ${words}`, isSure: false };
		return { is: 'failed', reason: words, isSure: words !== connectionCut };
	}
}

/** Why a file is not to be used for a build; undefined where it may be. */
export async function whatIsWrong(path: string, buildId: string): Promise<string | undefined> {
	const file = await builtFile(path);
	if (!file) return 'is no ELF file';
	if (file.buildId !== buildId) return 'is another build';
	return file.isWhole ? undefined : 'was cut off';
}

/** What came is not what was asked for. */
class RefusedError extends Error {}

function ofStatus(status: number): Came {
	if (status === 404) return { is: 'none' };
	const isLockedOut = [401, 403, 407].includes(status);
	return { is: 'failed', reason: `it answers with HTTP ${status}`, isSure: isLockedOut };
}

async function* within(
	content: AsyncIterable<Uint8Array>,
	announcedBytes: number,
	mostBytes: number,
	silence: TimeLimit,
): AsyncGenerator<Uint8Array> {
	let bytes = 0;
	for await (const piece of content) {
		silence.renew();
		bytes += piece.length;
		if (Math.max(bytes, announcedBytes) > mostBytes) throw new RefusedError(`what it gives is larger than ${formatBytes(mostBytes)}`);
		yield piece;
	}
}
