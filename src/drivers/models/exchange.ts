import { networkWords } from '../../base/network-words.ts';
import { formatBytes, formatSpan } from '../../base/quantity.ts';
import type { TimeLimit } from '../../base/time-limit.ts';

/** What came back on one request. */
export type Exchanged =
	| { readonly is: 'answered'; readonly status: number; readonly headers: Headers; readonly text: string }
	| { readonly is: 'timeout' | 'unreachable' | 'too large'; readonly status?: number; readonly words: string };

/** Far more than any answer has that was asked for. */
const mostBytes = 1 << 20;

/**
 * Asks a service for one thing, and reads the answer to its end. Nothing is followed elsewhere: the key stays where it belongs.
 *
 * @throws the signal's reason
 */
export async function exchange(
	url: string,
	headers: Readonly<Record<string, string>>,
	body: string,
	signal: AbortSignal,
	limit: TimeLimit,
): Promise<Exchanged> {
	let status: number | undefined;
	try {
		const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: limit.signal });
		status = response.status;
		const text = await textOf(response);
		if (text === undefined) return { is: 'too large', status, words: `more than ${formatBytes(mostBytes)}` };
		return { is: 'answered', status, headers: response.headers, text };
	} catch (error) {
		signal.throwIfAborted();
		const seen = status === undefined ? {} : { status };
		if (limit.isOver) return { is: 'timeout', ...seen, words: `within ${formatSpan(limit.ms)}` };
		return { is: 'unreachable', ...seen, words: networkWords(error) };
	}
}

/** @returns undefined where it is too large; the rest is then not read */
async function textOf({ body }: Response): Promise<string | undefined> {
	const pieces: Uint8Array[] = [];
	let length = 0;
	for await (const piece of body ?? []) {
		length += piece.length;
		if (length > mostBytes) return undefined;
		pieces.push(piece);
	}
	return new TextDecoder().decode(Buffer.concat(pieces));
}
