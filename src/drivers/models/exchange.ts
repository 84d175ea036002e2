import { codeOf, messageOf } from '../../base/errors.ts';
import { formatBytes, formatSpan } from '../../base/quantity.ts';
import type { TimeLimit } from './time-limit.ts';

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

/** Fetch says only that it failed; why, its causes do: one that is known, else the innermost. */
function networkWords(error: unknown): string {
	const causes = causesOf(error);
	const known = causes.flatMap((cause) => words.get(codeOf(cause) ?? messageOf(cause)) ?? []);
	const last = causes.at(-1);
	return known[0] ?? (messageOf(last) || (codeOf(last) ?? 'no reason is known'));
}

/** Of a name with several addresses each has an error; the first stands for them. */
function causesOf(error: unknown): unknown[] {
	const inner =
		error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error instanceof Error ? error.cause : undefined;
	return inner === undefined ? [error] : [error, ...causesOf(inner)];
}

const untrusted = "the server's certificate is not signed by an authority that is trusted here (NODE_EXTRA_CA_CERTS names more)";
const words = new Map([
	['ECONNREFUSED', 'nothing listens there (connection refused)'],
	['ECONNRESET', 'the connection was cut'],
	['EPIPE', 'the connection was cut'],
	['UND_ERR_SOCKET', 'the connection was cut'],
	['ENOTFOUND', 'there is no such host'],
	['EAI_AGAIN', 'the name of the host can not be looked up now'],
	['ETIMEDOUT', 'the network does not answer'],
	['UND_ERR_CONNECT_TIMEOUT', 'the network does not answer'],
	['EHOSTUNREACH', 'no way to the host'],
	['ENETUNREACH', 'no way to the network'],
	['CERT_NOT_YET_VALID', "the server's certificate is not valid yet; compare the clocks"],
	['CERT_HAS_EXPIRED', "the server's certificate has expired"],
	['ERR_TLS_CERT_ALTNAME_INVALID', "the server's certificate is for other names"],
	['UNABLE_TO_VERIFY_LEAF_SIGNATURE', untrusted],
	['UNABLE_TO_GET_ISSUER_CERT', untrusted],
	['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', untrusted],
	['SELF_SIGNED_CERT_IN_CHAIN', untrusted],
	['DEPTH_ZERO_SELF_SIGNED_CERT', untrusted],
	['EPROTO', 'no TLS is spoken there; is it http:// and not https://?'],
	['ERR_SSL_WRONG_VERSION_NUMBER', 'no TLS is spoken there; is it http:// and not https://?'],
	['HPE_INVALID_CONSTANT', 'no HTTP is spoken there'],
	// It has no code. fetch.spec.whatwg.org/#port-blocking
	['bad port', 'this port is of another protocol, and nothing is sent to it; let the service listen at another'],
]);
