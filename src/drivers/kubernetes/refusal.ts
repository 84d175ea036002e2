import { type KubernetesRefused, KubernetesUnavailable } from './errors.ts';

/** Why something secret could not be written, in words of our own: those of the API server, and of what is asked by it, may quote what was written. */
export function withoutQuotes(error: KubernetesRefused | KubernetesUnavailable): string {
	const { message, cause } = error;
	if (error instanceof KubernetesUnavailable) return cause === undefined ? 'the API server does not take it now' : message;
	const { status } = error;
	if (status === undefined) return message; // nobody has answered
	return (
		known.find(({ is, says }) => (is === undefined || is === status) && says.test(message))?.words ?? `it was refused (HTTP ${status})`
	);
}

const known: readonly { readonly is?: number; readonly says: RegExp; readonly words: string }[] = [
	{ is: 401, says: /^/, words: 'the API server does not accept the credentials' },
	{ is: 403, says: /exceeded quota/, words: 'a quota of the namespace is used up' },
	{ is: 403, says: /being terminated/, words: 'the namespace is being deleted' },
	{ is: 403, says: / cannot \w+ resource /, words: 'the right to do so is missing' },
	{ is: 404, says: /^/, words: 'there is no such namespace, or no such kind of object' },
	{ is: 413, says: /^/, words: 'it is too large' },
	{ says: /\btoo (?:long|large)\b/i, words: 'it is too large' },
];
