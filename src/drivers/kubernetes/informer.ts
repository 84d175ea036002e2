import { setTimeout as delay } from 'node:timers/promises';
import { delays } from './delays.ts';
import { Expired, errorOf, KubernetesRefused, KubernetesUnavailable } from './errors.ts';
import { defaultPageSize, readPage, type Selection } from './list.ts';
import type { KubernetesObject } from './objects.ts';
import type { Transport } from './transport.ts';
import { watch } from './watch.ts';

export type InformerOptions<Raw extends KubernetesObject, T> = Selection & {
	/** Of the collection. */
	readonly path: string;
	/** What is kept of an object. It should copy no more than is needed: all of them are in memory. */
	readonly trim: (object: Raw) => T;
	readonly timing?: Partial<Timing>;
};

export type Timing = {
	/** A watch is renewed after a time between these, so that not all of them come back at once. */
	readonly watchSeconds: readonly [least: number, most: number];
	/** The API server sends something about once a minute; without a sign of life for so long, the connection is given up. */
	readonly idleLimitMs: number;
	/** Before another try; doubles each time. */
	readonly firstDelayMs: number;
	readonly longestDelayMs: number;
};

const defaultTiming: Timing = { watchSeconds: [300, 600], idleLimitMs: 150_000, firstDelayMs: 500, longestDelayMs: 30_000 };

/** What an informer tells, in the order in which it happened. */
export type Informed<T> =
	/** The first, and once: all that is there. */
	| { readonly is: 'synced'; readonly objects: readonly T[] }
	/** New, or another than before. An object that was made anew under its old name is deleted first. */
	| { readonly is: 'changed'; readonly object: T; readonly before?: T }
	/** As it was last; it may have changed in between. */
	| { readonly is: 'deleted'; readonly object: T }
	/** What is known may be old from now on; it is tried again. Told again when the reason changes. */
	| { readonly is: 'unavailable'; readonly reason: string }
	/** After that: all changes are told again. */
	| { readonly is: 'available' };

type Held<T> = { readonly version: string; readonly object: T };

/** A watch that ends sooner than that without a word was no watch. */
const shortestWatchMs = 1_000;

/**
 * Lists a collection and watches it from there, like the reflector of client-go: the first list may come from the API server's cache
 * (resource version 0), later ones are not older than what was told. A watch that ends is taken up where it ended; one that is too old
 * is replaced by a new list, of which the differences are told.
 */
export async function* informer<Raw extends KubernetesObject, T>(
	transport: Transport,
	{ path, trim, timing, ...selection }: InformerOptions<Raw, T>,
	signal: AbortSignal,
): AsyncGenerator<Informed<T>, void> {
	const { watchSeconds, idleLimitMs, firstDelayMs, longestDelayMs } = { ...defaultTiming, ...timing };
	const asked = transport.describe({ verb: 'watch', path });
	const delayMs = delays(firstDelayMs, longestDelayMs);
	let held: Map<string, Held<T>> | undefined;
	/** All changes up to here are told; undefined: it must be listed. */
	let version: string | undefined;
	/** How new a list must be; undefined: as new as there is. */
	let notOlderThan: string | undefined = '0';
	let trouble: string | undefined;

	async function listed(): Promise<{ readonly objects: Map<string, Held<T>>; readonly resourceVersion: string }> {
		const objects = new Map<string, Held<T>>();
		let next: string | undefined;
		for (;;) {
			// In one piece where the cache may answer: asking it for pages would send the API server to etcd.
			const options = next !== undefined ? { continue: next } : { resourceVersion: notOlderThan };
			const limit = notOlderThan === undefined || notOlderThan === '0' ? { limit: defaultPageSize } : {};
			const page = await readPage<Raw>(
				transport,
				path,
				selection,
				{ ...options, ...limit },
				(object) => objects.set(keyOf(object), { version: object.metadata.resourceVersion, object: trim(object) }),
				signal,
			);
			if (page.next === undefined) return { objects, resourceVersion: page.resourceVersion };
			next = page.next;
		}
	}

	function* recovered(): Generator<Informed<T>> {
		if (trouble !== undefined) yield { is: 'available' };
		trouble = undefined;
	}

	while (!signal.aborted) {
		try {
			if (version === undefined || held === undefined) {
				const { objects, resourceVersion } = await listed();
				const before = held;
				held = objects;
				version = resourceVersion;
				notOlderThan = resourceVersion;
				if (before) yield* differences(before, objects);
				else yield { is: 'synced', objects: [...objects.values()].map(({ object }) => object) };
			}
			const started = performance.now();
			const timeoutSeconds = Math.round(watchSeconds[0] + Math.random() * (watchSeconds[1] - watchSeconds[0]));
			let isSilent = true;
			for await (const event of watch<Raw>(
				transport,
				path,
				{ ...selection, resourceVersion: version, timeoutSeconds, idleLimitMs },
				signal,
			)) {
				if (event.type === 'OPEN') {
					yield* recovered();
					continue;
				}
				if (event.type === 'ERROR') {
					version = undefined; // whatever it is, a new list mends it
					const { code = 500 } = event.object;
					throw errorOf({ status: code, object: event.object, retryAfterMs: undefined }, asked, 'this user');
				}
				isSilent = false;
				delayMs.reset();
				const { resourceVersion } = event.object.metadata;
				if (event.type === 'BOOKMARK') {
					if (isOlder(resourceVersion, version)) throw new Expired(`the API server went back from ${version} to ${resourceVersion}`);
				} else yield* changes(held, event.type, event.object, trim);
				if (!isOlder(resourceVersion, version)) version = notOlderThan = resourceVersion;
			}
			if (isSilent && performance.now() - started < shortestWatchMs)
				throw new KubernetesUnavailable(`can't ${asked}: the API server ends it at once`);
		} catch (error) {
			if (signal.aborted) return;
			let retryAfterMs = 0;
			if (error instanceof Expired) {
				version = undefined;
				notOlderThan = undefined;
			} else if (error instanceof KubernetesUnavailable || error instanceof KubernetesRefused) {
				if (trouble !== error.message) yield { is: 'unavailable', reason: error.message };
				trouble = error.message;
				retryAfterMs = error instanceof KubernetesUnavailable ? (error.retryAfterMs ?? 0) : 0;
			} else throw error;
			await delay(Math.max(delayMs.next(), Math.min(retryAfterMs, longestDelayMs)), undefined, { signal }).catch(() => {}); // aborted: the loop ends
		}
	}
}

/** A name may be given again; a uid is not. */
const keyOf = ({ metadata }: KubernetesObject) => metadata.uid ?? `${metadata.namespace ?? ''}/${metadata.name}`;

function* differences<T>(before: ReadonlyMap<string, Held<T>>, after: ReadonlyMap<string, Held<T>>): Generator<Informed<T>> {
	for (const [key, { object }] of before) if (!after.has(key)) yield { is: 'deleted', object };
	for (const [key, { version, object }] of after) {
		const known = before.get(key);
		if (known === undefined) yield { is: 'changed', object };
		else if (known.version !== version) yield { is: 'changed', object, before: known.object };
	}
}

/** What an event changes in what is held; nothing where it was known already. */
function* changes<Raw extends KubernetesObject, T>(
	held: Map<string, Held<T>>,
	type: 'ADDED' | 'MODIFIED' | 'DELETED',
	raw: Raw,
	trim: (object: Raw) => T,
): Generator<Informed<T>> {
	const key = keyOf(raw);
	const version = raw.metadata.resourceVersion;
	const known = held.get(key);
	if (type === 'DELETED') {
		if (held.delete(key)) yield { is: 'deleted', object: trim(raw) };
		return;
	}
	if (known && (known.version === version || isOlder(version, known.version))) return;
	const object = trim(raw);
	held.set(key, { version, object });
	yield known ? { is: 'changed', object, before: known.object } : { is: 'changed', object };
}

/** Resource versions are whole numbers without a bound (KEP-5504); of others nothing can be said. */
function isOlder(one: string, other: string): boolean {
	if (!/^\d+$/.test(one) || !/^\d+$/.test(other)) return false;
	return one.length === other.length ? one < other : one.length < other.length;
}
