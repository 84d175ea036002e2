import { failureOf } from './answer.ts';
import { resource } from './objects.ts';
import { timeLimit } from './time-limit.ts';
import type { Call, Transport } from './transport.ts';

export type LogOptions = {
	readonly namespace: string;
	readonly pod: string;
	readonly container: string;
	/** Of the container that ran before this one. */
	readonly previous?: boolean;
	/** No more than so much of its end. */
	readonly tailBytes: number;
};

export type Log =
	| { readonly is: 'log'; readonly tail: Buffer /** Something stood before it. */; readonly isCut: boolean }
	/** Pod or container are gone, or have not run yet. */
	| { readonly is: 'none'; readonly reason: string };

/** Lines are longer on average, except in a log that nobody can read. */
const leastLineBytes = 8;

/**
 * The API can count lines from the end, but bytes only from the start (`limitBytes`). So the node is asked for as many lines as
 * can fit, which it finds without reading all that is before them, and the last bytes of them are kept.
 */
export async function log(
	transport: Transport,
	{ namespace, pod, container, previous, tailBytes }: LogOptions,
	signal: AbortSignal | undefined,
): Promise<Log> {
	const tailLines = Math.ceil(tailBytes / leastLineBytes);
	const call: Call = {
		verb: 'get',
		path: `${resource('v1', 'pods', namespace, pod)}/log`,
		query: { container, previous, tailLines },
		accept: '*/*',
	};
	using limit = timeLimit(signal);
	limit.start(transport.timeoutMs, 'end of the log');
	const response = await transport.send(call, limit);
	try {
		const { statusCode } = response;
		if (statusCode === 200) return { is: 'log', ...(await endOf(response, tailBytes, tailLines)) };
		const status = await failureOf(response);
		// 400: no such container, not started yet, no previous one.
		if (statusCode === 400 || (statusCode === 404 && status.details?.name)) return { is: 'none', reason: status.message ?? '' };
		throw transport.errorOf(call, response, status);
	} catch (error) {
		throw transport.broken(call, error, limit);
	} finally {
		response.destroy();
	}
}

async function endOf(chunks: AsyncIterable<Buffer>, mostBytes: number, mostLines: number) {
	let kept: Buffer[] = [];
	let keptBytes = 0;
	let bytes = 0;
	let lines = 0;
	for await (const chunk of chunks) {
		bytes += chunk.length;
		for (let at = chunk.indexOf(lineEnd); at >= 0; at = chunk.indexOf(lineEnd, at + 1)) lines++;
		kept.push(chunk);
		keptBytes += chunk.length;
		if (keptBytes >= 2 * mostBytes) {
			kept = [lastOf(kept, mostBytes)];
			keptBytes = mostBytes;
		}
	}
	return { tail: lastOf(kept, mostBytes), isCut: bytes > mostBytes || lines >= mostLines };
}

const lineEnd = 0x0a;

/** A copy, which keeps nothing of what was before. */
function lastOf(pieces: readonly Buffer[], most: number): Buffer {
	const all = Buffer.concat(pieces);
	return Buffer.from(all.subarray(Math.max(0, all.length - most)));
}
