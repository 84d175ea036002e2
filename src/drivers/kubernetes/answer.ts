import type { IncomingMessage } from 'node:http';
import { parsed, Unreadable } from './errors.ts';
import { mostObjectBytes } from './list-scanner.ts';
import type { Status } from './objects.ts';
import { timeLimit } from './time-limit.ts';
import type { Call, Transport } from './transport.ts';

/** What came back, with its body read. */
export type Answer<T> =
	| { readonly is: 'done'; readonly object: T }
	/** The object is not there, though the resource is known. */
	| { readonly is: 'absent'; readonly reason: string }
	| { readonly is: 'exists'; readonly reason: string }
	| { readonly is: 'conflict'; readonly reason: string };

/**
 * One request for one object.
 *
 * @throws {KubernetesUnavailable | KubernetesRefused}
 */
export async function ask<T>(transport: Transport, call: Call, signal: AbortSignal | undefined): Promise<Answer<T>> {
	using limit = timeLimit(signal);
	limit.start(transport.timeoutMs, 'answer');
	const response = await transport.send(call, limit);
	try {
		const { statusCode = 0 } = response;
		const text = await textOf(response);
		if (statusCode >= 200 && statusCode < 300) return { is: 'done', object: parsed(text) as T };
		const status = statusOf(text);
		const reason = status.message ?? '';
		if (statusCode === 404 && status.details?.name) return { is: 'absent', reason };
		if (statusCode === 409) return { is: status.reason === 'AlreadyExists' ? 'exists' : 'conflict', reason };
		throw transport.errorOf(call, response, status);
	} catch (error) {
		throw transport.broken(call, error, limit);
	} finally {
		response.destroy();
	}
}

/** Of an answer that is no success; proxies on the way answer with texts of their own. */
export async function failureOf(response: IncomingMessage): Promise<Status> {
	return statusOf(await textOf(response));
}

async function textOf(response: IncomingMessage): Promise<string> {
	const pieces: Buffer[] = [];
	let length = 0;
	for await (const piece of response) {
		length += piece.length;
		if (length > mostObjectBytes) throw new Unreadable('an object without an end');
		pieces.push(piece);
	}
	return Buffer.concat(pieces).toString();
}

function statusOf(text: string): Status {
	try {
		const object: unknown = JSON.parse(text);
		if (typeof object === 'object' && object !== null && 'kind' in object && object.kind === 'Status') return object as Status;
	} catch {
		// no JSON: its text is all there is
	}
	return text.trim() === '' ? {} : { message: text };
}
