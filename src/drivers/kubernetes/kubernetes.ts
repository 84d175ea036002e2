import { type Answer, ask } from './answer.ts';
import { asKubeconfig } from './as-kubeconfig.ts';
import { KubernetesRefused, KubernetesUnavailable, oneLine } from './errors.ts';
import { identityOf } from './identity.ts';
import { type Informed, type InformerOptions, informer } from './informer.ts';
import { type ListOptions, list } from './list.ts';
import { type Log, type LogOptions, log } from './log.ts';
import type { KubernetesObject } from './objects.ts';
import { findTarget, type Place } from './place.ts';
import { type Call, type RequestMade, transport } from './transport.ts';

export { isKubernetesError, KubernetesRefused, KubernetesUnavailable } from './errors.ts';
export type { Informed, InformerOptions, Timing } from './informer.ts';
export type { ListOptions } from './list.ts';
export type { Log, LogOptions } from './log.ts';
export { type KubernetesObject, type ObjectMeta, type OwnerReference, resource, type Secret } from './objects.ts';
export { withoutQuotes } from './refusal.ts';
export type { RequestMade } from './transport.ts';

/**
 * One API server, as one user. Paths are made by `resource`. Nothing is tried again, except by the informer.
 *
 * All of it throws {KubernetesUnavailable} where trying again may help, and {KubernetesRefused} where it does not.
 * Each request has a time limit, and ends at the signal with the signal's reason.
 */
export type Cluster = Disposable & {
	/** Its address, for messages. */
	readonly server: string;
	/** Of the context, or of the pod's service account. */
	readonly namespace: string;
	/**
	 * For another program: a kubeconfig with this API server and this user, and no other, whatever has become since of the one that they were
	 * read from. It holds the secrets that stood there; those in files it names.
	 */
	kubeconfig(): string;
	/** @returns undefined when there is no such object */
	get<T extends KubernetesObject>(path: string, signal?: AbortSignal): Promise<T | undefined>;
	/** All objects of a collection, read in pages. */
	list<T extends KubernetesObject>(path: string, options?: ListOptions, signal?: AbortSignal): AsyncGenerator<T, void>;
	/** @param path of the collection */
	create<T extends KubernetesObject>(path: string, body: object, signal?: AbortSignal): Promise<Written<T, 'exists'>>;
	/**
	 * @param type `merge` (RFC 7386), or `apply`: what is missing is made, and fields of others are taken over
	 */
	patch<T extends KubernetesObject>(
		path: string,
		body: object,
		options: { readonly type: 'merge' | 'apply'; readonly subresource?: 'status' },
		signal?: AbortSignal,
	): Promise<Written<T, 'absent' | 'conflict'>>;
	/** Puts a whole object in place of another; one with a `resourceVersion` only in place of that. */
	replace<T extends KubernetesObject>(
		path: string,
		body: object,
		options?: { readonly subresource?: 'status' },
		signal?: AbortSignal,
	): Promise<Written<T, 'absent' | 'conflict'>>;
	/** Only the very object that is meant, where its preconditions are given: another is a conflict. It may still be there for a while. */
	remove(
		path: string,
		preconditions?: { readonly uid?: string; readonly resourceVersion?: string },
		signal?: AbortSignal,
	): Promise<Written<unknown, 'absent' | 'conflict'>>;
	/** The end of what a container wrote. */
	log(options: LogOptions, signal?: AbortSignal): Promise<Log>;
	/**
	 * A collection as it is and becomes: never ends before the signal, whatever happens to the API server.
	 * It waits for its consumer, and holds only what is left of each object when trimmed.
	 */
	informer<Raw extends KubernetesObject, T>(options: InformerOptions<Raw, T>, signal: AbortSignal): AsyncGenerator<Informed<T>, void>;
};

/** What became of a change. */
export type Written<T, Otherwise extends 'absent' | 'exists' | 'conflict'> = Extract<Answer<T>, { is: 'done' | Otherwise }>;

export type ConnectOptions = Partial<Place> & {
	/** Told of every request, with the status of its answer. */
	readonly onRequest?: (made: RequestMade) => void;
	/** For each request. The API server itself gives up after a minute. */
	readonly timeoutMs?: number;
};

/** Its name in the API server's audit log, and of the fields that it sets. */
const programName = 'milvus-coredump-agent';

/**
 * Connects with the API server that a named kubeconfig says, `KUBECONFIG`, the service account of the pod, or `~/.kube/config`, in this order.
 * Nothing is asked yet.
 *
 * @throws {ConfigError} none is configured, or wrongly
 */
export async function connect({
	kubeconfig,
	context,
	environment = process.env,
	serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount',
	timeoutMs = 30_000,
	onRequest = () => {},
}: ConnectOptions = {}): Promise<Cluster> {
	const target = findTarget({ kubeconfig, context, environment, serviceAccount });
	const api = transport(target, await identityOf(target), { userAgent: programName, timeoutMs, onRequest });

	/** @param expected outcomes that the caller looks at; the others are errors */
	async function write<T, O extends 'absent' | 'exists' | 'conflict'>(call: Call, expected: readonly O[], signal?: AbortSignal) {
		const answer = await ask<T>(api, call, signal);
		if (answer.is === 'done' || (expected as readonly string[]).includes(answer.is)) return answer as Written<T, O>;
		throw unexpected(api.describe(call), answer);
	}

	return {
		server: api.server,
		namespace: target.namespace,
		kubeconfig: () => asKubeconfig(target),
		async get<T>(path: string, signal?: AbortSignal) {
			const answer = await write<T, 'absent'>({ verb: 'get', path }, ['absent'], signal);
			return answer.is === 'done' ? answer.object : undefined;
		},
		list: (path, options, signal) => list(api, path, options, signal),
		create: (path, body, signal) =>
			write({ verb: 'create', path, query: { fieldManager: programName }, body: { type: json, json: body } }, ['exists'], signal),
		patch: (path, body, { type, subresource }, signal) =>
			write(
				{
					verb: 'patch',
					path: below(path, subresource),
					query: { fieldManager: programName, force: type === 'apply' ? true : undefined },
					body: { type: type === 'apply' ? 'application/apply-patch+yaml' : 'application/merge-patch+json', json: body },
				},
				['absent', 'conflict'],
				signal,
			),
		replace: (path, body, { subresource } = {}, signal) =>
			write(
				{ verb: 'update', path: below(path, subresource), query: { fieldManager: programName }, body: { type: json, json: body } },
				['absent', 'conflict'],
				signal,
			),
		remove: (path, preconditions, signal) =>
			write(
				{
					verb: 'delete',
					path,
					body: { type: json, json: { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) } },
				},
				['absent', 'conflict'],
				signal,
			),
		log: (options, signal) => log(api, options, signal),
		informer: (options, signal) => informer(api, options, signal),
		[Symbol.dispose]: () => api[Symbol.dispose](),
	};
}

const json = 'application/json';
const below = (path: string, subresource: string | undefined) => (subresource === undefined ? path : `${path}/${subresource}`);

/** An outcome that nobody asked for: a namespace that is not there when something is created in it, a quota that was counted by two at once. */
function unexpected(what: string, { is, reason }: Exclude<Answer<unknown>, { is: 'done' }>): Error {
	const message = `can't ${what}: ${oneLine(reason)}`;
	return is === 'absent' ? new KubernetesRefused(message, { status: 404 }) : new KubernetesUnavailable(message);
}
