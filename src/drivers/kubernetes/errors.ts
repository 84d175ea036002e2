import { codeOf, messageOf } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Status } from './objects.ts';

/** No answer, or one that says "later": trying again may help. */
export class KubernetesUnavailable extends Error {
	override readonly name = 'KubernetesUnavailable';
	/** How long the API server wants to be left alone, where it said so. */
	readonly retryAfterMs: number | undefined;

	constructor(message: string, { retryAfterMs, cause }: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {}) {
		super(message, { cause });
		this.retryAfterMs = retryAfterMs;
	}
}

/** The API server, or the way to it, says no: trying again does not help until somebody changes something. */
export class KubernetesRefused extends Error {
	override readonly name = 'KubernetesRefused';
	/** HTTP; undefined when no request was answered. */
	readonly status: number | undefined;

	constructor(message: string, { status, cause }: { readonly status?: number; readonly cause?: unknown } = {}) {
		super(message, { cause });
		this.status = status;
	}
}

/** Whether the cluster is at fault, and not this program. */
export const isKubernetesError = (error: unknown): error is KubernetesUnavailable | KubernetesRefused =>
	error instanceof KubernetesUnavailable || error instanceof KubernetesRefused;

/** What was to be read on is too old for the API server (410 Gone), or from a future it does not know: read anew. */
export class Expired extends Error {
	override readonly name = 'Expired';
	/** Where the rest of a list can be read all the same, though not of the same moment. */
	readonly rest: string | undefined;

	constructor(message: string, rest?: string) {
		super(message);
		this.rest = rest;
	}
}

/** What was answered is not what an API server answers. */
export class Unreadable extends Error {
	override readonly name = 'Unreadable';
}

/** @throws {Unreadable} */
export function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new Unreadable('no JSON', { cause }); // whose message quotes it
	}
}

/** A server's words as one line of a message. */
export const oneLine = (text: string) => {
	const line = printable(text.trim().replaceAll(/\s+/g, ' '));
	return line.length > mostCharacters ? `${line.slice(0, mostCharacters)}…` : line;
};
const mostCharacters = 500;

export type Answered = { readonly status: number; readonly object: Status | undefined; readonly retryAfterMs: number | undefined };

/**
 * An answer that is neither success nor an outcome of its own, as the error that it means.
 *
 * @param what was asked: `list pods at https://10.0.0.1`
 * @param whose credentials they were
 */
export function errorOf({ status, object, retryAfterMs }: Answered, what: string, whose: string): Error {
	const words = oneLine(object?.message ?? `HTTP ${status}`);
	const isTooNew = object?.details?.causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge');
	if (status === 410 || isTooNew) return new Expired(`can't ${what}: ${words}`, object?.metadata?.continue);
	if (status === 429 || status >= 500 || status === 408)
		return new KubernetesUnavailable(`can't ${what}: ${status === 429 ? 'too many requests: ' : ''}${words}`, { retryAfterMs });
	if (status === 401) return new KubernetesRefused(`can't ${what}: the API server does not accept the credentials of ${whose}`, { status });
	if (status === 404 && !object?.details?.name)
		return new KubernetesRefused(`can't ${what}: the API server knows no such resource; is its CustomResourceDefinition installed?`, {
			status,
		});
	return new KubernetesRefused(`can't ${what}: ${words}`, { status });
}

/** What stands in the way of a connection at all, so that an answer never came. */
export function connectionError(error: unknown, what: string): Error {
	const code = codeOf(error) ?? '';
	const words = certificateWords[code];
	if (words !== undefined) return new KubernetesRefused(`can't ${what}: ${words}`, { cause: error });
	const reason = error instanceof Unreadable ? `what it answers can't be read (${error.message})` : oneLine(messageOf(error) || code);
	return new KubernetesUnavailable(`can't ${what}: ${networkWords[code] ?? reason}`, { cause: error });
}

const networkWords: Readonly<Record<string, string>> = {
	ECONNREFUSED: 'nothing listens there (connection refused)',
	ECONNRESET: 'the connection was cut',
	EPIPE: 'the connection was cut',
	ENOTFOUND: 'there is no such host',
	EAI_AGAIN: 'the name of the host can not be looked up now',
	ETIMEDOUT: 'the network does not answer',
	EHOSTUNREACH: 'no way to the host',
	ENETUNREACH: 'no way to the network',
	CERT_NOT_YET_VALID: "the server's certificate is not valid yet; compare the clocks",
	CERT_HAS_EXPIRED: "the server's certificate has expired",
};

const unknownAuthority = "the server's certificate is not signed by the authority that is configured (certificate-authority)";
const certificateWords: Readonly<Record<string, string>> = {
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
	UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
	SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
	DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
	CERT_SIGNATURE_FAILURE: unknownAuthority,
	ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for other names (tls-server-name)",
	EPROTO: 'no TLS is spoken there, or none that both sides know; is it http:// and not https://?',
};
