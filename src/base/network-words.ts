import { codeOf, messageOf } from './errors.ts';

/** Why a request had no answer, or not the whole. Fetch says only that it failed; why, its causes do: one that is known, else the innermost. */
export function networkWords(error: unknown): string {
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

/** It need not be so the next time. */
export const connectionCut = 'the connection was cut';

const untrusted = "the server's certificate is not signed by an authority that is trusted here (NODE_EXTRA_CA_CERTS names more)";
const words = new Map([
	['ECONNREFUSED', 'nothing listens there (connection refused)'],
	['ECONNRESET', connectionCut],
	['EPIPE', connectionCut],
	['UND_ERR_SOCKET', connectionCut],
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
