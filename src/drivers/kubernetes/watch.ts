import { z } from 'zod';
import { failureOf } from './answer.ts';
import { parsed, Unreadable } from './errors.ts';
import { acceptMetadata, type Selection } from './list.ts';
import { mostObjectBytes } from './list-scanner.ts';
import type { KubernetesObject, Status } from './objects.ts';
import { timeLimit } from './time-limit.ts';
import type { Call, Transport } from './transport.ts';

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export type WatchEvent<T> =
	/** The API server took it up. */
	| { readonly type: 'OPEN' }
	| { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
	/** Nothing changed up to this resource version. */
	| { readonly type: 'BOOKMARK'; readonly object: KubernetesObject }
	/** It can't go on. */
	| { readonly type: 'ERROR'; readonly object: Status };

export type WatchOptions = Selection & {
	readonly resourceVersion: string;
	/** When the API server is to end it. */
	readonly timeoutSeconds: number;
	/** Bookmarks come about once a minute: nothing for so long means that nobody is there any more. */
	readonly idleLimitMs: number;
};

/**
 * One watch, until the API server ends it. What it has not taken over yet waits in the connection.
 *
 * @throws {Expired} the resource version is too old
 * @throws {KubernetesUnavailable | KubernetesRefused} not taken up, cut in the middle, silent, or not readable
 */
export async function* watch<T extends KubernetesObject>(
	transport: Transport,
	path: string,
	{ idleLimitMs, metadataOnly, ...rest }: WatchOptions,
	signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void> {
	const call: Call = {
		verb: 'watch',
		path,
		query: { ...rest, watch: true, allowWatchBookmarks: true },
		...(metadataOnly ? { accept: acceptMetadata('') } : {}),
	};
	using limit = timeLimit(signal);
	limit.start(transport.timeoutMs, 'answer');
	const response = await transport.send(call, limit);
	try {
		if (response.statusCode !== 200) throw transport.errorOf(call, response, await failureOf(response));
		limit.stop();
		yield { type: 'OPEN' };
		limit.start(idleLimitMs, 'sign of life'); // a whole line must come, lest a trickle passes for life
		for await (const line of lines(response)) {
			limit.stop(); // while the consumer is busy, nobody waits for the API server
			yield eventOf<T>(line);
			limit.start(idleLimitMs, 'sign of life');
		}
	} catch (error) {
		throw transport.broken(call, error, limit);
	} finally {
		response.destroy();
	}
}

const event = z.union([
	z.looseObject({
		type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']),
		object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
	}),
	z.looseObject({ type: z.literal('ERROR'), object: z.looseObject({}) }),
]);

/** @throws {Unreadable} */
function eventOf<T>(line: string): WatchEvent<T> {
	const { success, data } = event.safeParse(parsed(line));
	if (!success) throw new Unreadable('no watch event');
	return data as unknown as WatchEvent<T>;
}

/** What stands after the last line end is half a line, and nothing. @throws {Unreadable} a line without an end */
async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
	let begun: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of chunks) {
		let from = 0;
		for (let end = chunk.indexOf(lineEnd); end >= 0; end = chunk.indexOf(lineEnd, from)) {
			const line = Buffer.concat([...begun, chunk.subarray(from, end)]).toString();
			begun = [];
			bytes = 0;
			from = end + 1;
			if (line.trim() !== '') yield line;
		}
		bytes += chunk.length - from;
		if (bytes > mostObjectBytes) throw new Unreadable('a line without an end');
		if (from < chunk.length) begun.push(Buffer.from(chunk.subarray(from)));
	}
}

const lineEnd = 0x0a;
