import { failureOf } from './answer.ts';
import { Expired, KubernetesUnavailable, parsed, Unreadable } from './errors.ts';
import { listScanner } from './list-scanner.ts';
import type { KubernetesObject } from './objects.ts';
import { timeLimit } from './time-limit.ts';
import type { Call, Transport } from './transport.ts';

export type Selection = {
	/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api */
	readonly labelSelector?: string;
	/** `spec.nodeName=node-1` */
	readonly fieldSelector?: string;
	/** Nothing of the objects but their `metadata`. */
	readonly metadataOnly?: boolean;
};

export type ListOptions = Selection & {
	/** So many are in memory at a time; as many as client-go asks for where it is not said. */
	readonly pageSize?: number;
};

export const defaultPageSize = 500;

/** All objects of a collection, page by page, while each page is as it was at the moment of the first. */
export async function* list<T extends KubernetesObject>(
	transport: Transport,
	path: string,
	{ pageSize = defaultPageSize, ...selection }: ListOptions = {},
	signal?: AbortSignal,
): AsyncGenerator<T, void> {
	let rest: string | undefined;
	do {
		const page: T[] = [];
		try {
			const { next } = await readPage<T>(
				transport,
				path,
				selection,
				{ limit: pageSize, continue: rest },
				(item) => page.push(item),
				signal,
			);
			rest = next;
		} catch (error) {
			if (!(error instanceof Expired)) throw error;
			// The pages took longer than the API server remembers. What is left can be read as it is now.
			if (rest === undefined || error.rest === undefined) throw new KubernetesUnavailable(error.message, { cause: error });
			rest = error.rest;
		}
		yield* page;
	} while (rest !== undefined);
}

export type PageOptions = {
	readonly limit?: number;
	/** Where the page before ended. */
	readonly continue?: string | undefined;
	/** Not older than this; `0`: as the API server remembers it, undefined: as it is now. */
	readonly resourceVersion?: string | undefined;
};

/**
 * Reads one page. Its items are handed over as they come in, and not kept.
 *
 * @throws {Expired} the resource version or the place to go on from is no longer known
 */
export async function readPage<T extends KubernetesObject>(
	transport: Transport,
	path: string,
	{ metadataOnly, ...selection }: Selection,
	options: PageOptions,
	take: (item: T) => void,
	signal: AbortSignal | undefined,
): Promise<{ readonly resourceVersion: string; readonly next: string | undefined }> {
	const call: Call = {
		verb: 'list',
		path,
		query: { ...selection, ...options },
		...(metadataOnly ? { accept: acceptMetadata('List') } : {}),
	};
	using limit = timeLimit(signal);
	limit.start(transport.timeoutMs, 'whole answer');
	const response = await transport.send(call, limit);
	try {
		if (response.statusCode !== 200) throw transport.errorOf(call, response, await failureOf(response));
		const scanner = listScanner();
		for await (const chunk of response) for (const item of scanner.feed(chunk)) take(objectOf<T>(item));
		const { metadata } = scanner.end() as { readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string } };
		if (!metadata?.resourceVersion) throw new Unreadable('a list without a resource version');
		return { resourceVersion: metadata.resourceVersion, next: metadata.continue || undefined };
	} catch (error) {
		throw transport.broken(call, error, limit);
	} finally {
		response.destroy();
	}
}

function objectOf<T extends KubernetesObject>(item: string): T {
	const object = parsed(item) as T;
	if (typeof object.metadata?.resourceVersion !== 'string') throw new Unreadable('an object without a resource version');
	return object;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources */
export const acceptMetadata = (suffix: 'List' | '') =>
	`application/json;as=PartialObjectMetadata${suffix};g=meta.k8s.io;v=v1,application/json`;
