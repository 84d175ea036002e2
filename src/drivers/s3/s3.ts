import type { Backend } from '../../domain/backend.ts';
import { placeOf, type S3Options } from './options.ts';

export type { S3Options } from './options.ts';

/**
 * A bucket of an S3 server. What talks to it is loaded when it is used first: who stores elsewhere pays no memory for it.
 *
 * @param notesPath a folder of this agent alone, where it notes which uploads are under way
 */
export function s3Backend(options: S3Options, notesPath: string): Backend {
	let loaded: Promise<Backend> | undefined;
	const bucket = () => {
		loaded ??= import('./bucket.ts').then(({ bucketBackend }) => bucketBackend(options, notesPath));
		return loaded;
	};
	return {
		kind: 's3',
		place: placeOf(options),
		start: async (signal) => (await bucket()).start(signal),
		put: async (name, content, signal) => (await bucket()).put(name, content, signal),
		async *get(name, signal, from) {
			yield* (await bucket()).get(name, signal, from);
		},
		async *list(prefix, signal) {
			yield* (await bucket()).list(prefix, signal);
		},
		remove: async (names, signal) => (await bucket()).remove(names, signal),
		health: async (signal) => (await bucket()).health(signal),
		space: async (signal) => (await bucket()).space(signal),
	};
}
