import * as http from 'node:http';
import * as https from 'node:https';
import { codeOf } from '../../base/errors.ts';
import { connectionError, errorOf, KubernetesUnavailable, Unreadable } from './errors.ts';
import type { Identity, Shown, TlsMaterial } from './identity.ts';
import type { Status } from './objects.ts';
import { resourceOf } from './objects.ts';
import type { Target } from './target.ts';
import type { TimeLimit } from './time-limit.ts';

/** As in the rules of RBAC. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export type Call = {
	readonly verb: Verb;
	readonly path: string;
	/** Those that are undefined are left out. */
	readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
	readonly accept?: string;
	readonly body?: { readonly type: string; readonly json: unknown };
};

/** A request that was made, as soon as the head of its answer is there or it is clear that none comes. */
export type RequestMade = {
	readonly verb: Verb;
	/** As in the rules of RBAC: `pods`, `pods/log`, `crashreports.diagnostics.milvus.io`. */
	readonly resource: string;
	/** HTTP; undefined when there was no answer. */
	readonly status: number | undefined;
	readonly ms: number;
};

export type Transport = Disposable & {
	readonly server: string;
	/** For a whole request; of a watch, until it is taken up. */
	readonly timeoutMs: number;
	/**
	 * Asks, and waits for the head of the answer. The body must be read to its end or destroyed.
	 *
	 * @throws {KubernetesUnavailable | KubernetesRefused} no connection comes about, or it stays silent
	 */
	send(call: Call, limit: TimeLimit): Promise<http.IncomingMessage>;
	/** What a call is, for messages: `list pods at https://10.0.0.1`. */
	describe(call: Call): string;
	/** The error for an answer that is no success. */
	errorOf(call: Call, response: http.IncomingMessage, object: Status | undefined): Error;
	/** The error for whatever was thrown while the body was read. */
	broken(call: Call, error: unknown, limit: TimeLimit): unknown;
};

export type TransportOptions = Pick<Transport, 'timeoutMs'> & {
	readonly userAgent: string;
	readonly onRequest: (made: RequestMade) => void;
};

const methods = {
	get: 'GET',
	list: 'GET',
	watch: 'GET',
	create: 'POST',
	update: 'PUT',
	patch: 'PATCH',
	delete: 'DELETE',
} as const satisfies Record<Verb, string>;

/** So that a network that was cut without a word is noticed by the system too. */
const keepAliveMs = 30_000;
/** Shorter than the 90 s after which the API server closes an idle connection. */
const idleConnectionMs = 60_000;

/** Speaks HTTP with one API server, over connections that are kept, as who the identity says. */
export function transport(target: Target, identity: Identity, { userAgent, timeoutMs, onRequest }: TransportOptions): Transport {
	const isTls = target.server.protocol === 'https:';
	const base = target.server.pathname.replace(/\/$/, '');
	const server = `${target.server.origin}${base}`;
	let connections: { readonly agent: http.Agent; readonly material: string } | undefined;

	/** Connections made with other certificates than now are left to themselves: they end with their requests. */
	function agentFor(tls: TlsMaterial): http.Agent {
		const material = [tls.ca, tls.cert, tls.key].join('\0');
		if (connections?.material === material) return connections.agent;
		const options = {
			keepAlive: true,
			keepAliveMsecs: keepAliveMs,
			timeout: idleConnectionMs,
			proxyEnv: target.proxies,
		};
		const agent = isTls
			? new https.Agent({
					...options,
					...tls,
					rejectUnauthorized: !target.isUnverified,
					...(target.tlsServerName === undefined ? {} : { servername: target.tlsServerName }),
				})
			: new http.Agent(options);
		connections = { agent, material };
		return agent;
	}

	async function send(call: Call, limit: TimeLimit): Promise<http.IncomingMessage> {
		const response = await sendOnce(call, limit);
		if (response.statusCode !== 401 || !identity.renew()) return response;
		response.destroy();
		return sendOnce(call, limit);
	}

	async function sendOnce(call: Call, limit: TimeLimit): Promise<http.IncomingMessage> {
		const { headers, tls } = await identity.current(limit.signal).catch((error) => {
			throw limit.signal.aborted ? broken(call, error, limit) : error;
		});
		const started = performance.now();
		const tell = (status: number | undefined) =>
			onRequest({ verb: call.verb, resource: resourceOf(call.path), status, ms: performance.now() - started });
		for (;;) {
			const { response, request } = ask(call, agentFor(tls), headers, limit.signal);
			try {
				const head = await response;
				tell(head.statusCode);
				return head;
			} catch (error) {
				// The server closed a kept connection just now. What only reads is asked again, on another one.
				const isStale = request.reusedSocket && codeOf(error) === 'ECONNRESET' && methods[call.verb] === 'GET';
				if (isStale && !limit.signal.aborted) continue;
				tell(undefined);
				throw broken(call, error, limit);
			}
		}
	}

	function ask(call: Call, agent: http.Agent, headers: Shown['headers'], signal: AbortSignal) {
		const body = call.body && yamlJson(call.body.json);
		const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
		const request = (isTls ? https : http).request({
			agent,
			signal,
			method: methods[call.verb],
			host: target.server.hostname.replace(/^\[|\]$/g, ''),
			port: target.server.port || (isTls ? 443 : 80),
			path: `${base}${call.path}${queryOf(call.query)}`,
			headers: {
				...headers,
				'user-agent': userAgent,
				accept: call.accept ?? 'application/json',
				...(body === undefined ? {} : { 'content-type': call.body?.type, 'content-length': Buffer.byteLength(body) }),
			},
		});
		request.once('response', resolve);
		request.on('error', reject); // also after the answer came: reading it fails then
		request.end(body);
		return { request, response: promise };
	}

	const describe = ({ verb, path }: Call) => `${verb} ${resourceOf(path)} at ${server}`;

	function broken(call: Call, error: unknown, { signal }: TimeLimit): unknown {
		if (!signal.aborted) return isOfConnection(error) ? connectionError(error, describe(call)) : error;
		const reason: unknown = signal.reason;
		return reason instanceof KubernetesUnavailable
			? new KubernetesUnavailable(`can't ${describe(call)}: ${reason.message}`, { cause: error })
			: reason;
	}

	return {
		server,
		timeoutMs,
		send,
		describe,
		broken,
		errorOf: (call, { statusCode = 0, headers }, object) =>
			errorOf({ status: statusCode, object, retryAfterMs: retryAfterMs(headers) }, describe(call), identity.name),
		[Symbol.dispose]: () => connections?.agent.destroy(),
	};
}

/** Errors of system and network have a code, those of an answer that is no JSON a class; what is left is our own, or a bug. */
const isOfConnection = (error: unknown) => codeOf(error) !== undefined || error instanceof Unreadable;

/**
 * JSON that YAML 1.1 reads the same, as which the API server takes what is to be applied: of what it would refuse, or take for the end of a line,
 * only the escapes.
 */
const yamlJson = (value: unknown) =>
	JSON.stringify(value).replaceAll(
		/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);

function queryOf(query: Call['query'] = {}): string {
	const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
	return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function retryAfterMs(headers: http.IncomingHttpHeaders): number | undefined {
	const seconds = Number(headers['retry-after']);
	return headers['retry-after'] !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
