import { setTimeout as delay } from 'node:timers/promises';
import { type Book, type Ledger, LedgerUnavailable, readBook } from '../../domain/ledger.ts';
import { opinionsName as name } from '../../domain/rights.ts';
import {
	type Cluster,
	isKubernetesError,
	type KubernetesObject,
	KubernetesRefused,
	resource,
} from '../../drivers/kubernetes/kubernetes.ts';

type ConfigMap = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };

export type ClusterLedgerDeps = {
	readonly cluster: Pick<Cluster, 'get' | 'replace'>;
	/** The agent's own. */
	readonly namespace: string;
	readonly random?: () => number;
};

/** With the delays below, some ten seconds. */
const mostTries = 12;
const longestDelayMs = 2_000;

/**
 * What asking models has cost in a cluster: a ConfigMap that the chart or the manifests make, empty. It is written in place of exactly what was read, so that of
 * two who do so at once one has to read again.
 */
export function clusterLedger({ cluster, namespace, random = Math.random }: ClusterLedgerDeps): Ledger {
	const path = resource('v1', 'configmaps', namespace, name);
	const object = `ConfigMap ${namespace}/${name}`;
	/** The stages of one process have no need to meet at the API server. */
	let last: Promise<unknown> = Promise.resolve();

	async function found(signal: AbortSignal): Promise<ConfigMap> {
		const map = await explained(() => cluster.get<ConfigMap>(path, signal));
		if (!map) throw new LedgerUnavailable(isMissing(object));
		return map;
	}

	/** @returns undefined where another has written meanwhile */
	async function tried<T>(change: (book: Book) => readonly [Book, T], signal: AbortSignal): Promise<{ readonly result: T } | undefined> {
		const map = await found(signal);
		const book = readBook(map.data?.book);
		if (!book) throw new LedgerUnavailable(isUnreadable(object, namespace));
		const [next, result] = change(book);
		if (next === book) return { result };
		const body = { ...map, data: { ...map.data, book: JSON.stringify(next) } };
		const written = await explained(() => cluster.replace<ConfigMap>(path, body, {}, signal));
		if (written.is === 'absent') throw new LedgerUnavailable(isMissing(object));
		return written.is === 'done' ? { result } : undefined;
	}

	async function untilDone<T>(change: (book: Book) => readonly [Book, T], signal: AbortSignal): Promise<T> {
		for (let tries = 1; tries <= mostTries; tries++) {
			signal.throwIfAborted();
			const done = await tried(change, signal);
			if (done) return done.result;
			await delay(random() * Math.min(longestDelayMs, 20 * 2 ** tries), undefined, { signal });
		}
		throw new LedgerUnavailable(`${object} is written by too many at once: ${mostTries} tries were overtaken`);
	}

	return {
		change(change, signal) {
			const mine = last.then(() => untilDone(change, signal));
			last = mine.catch(() => {}); // it is its caller's
			return mine;
		},
	};
}

/** @throws {LedgerUnavailable} in place of what the cluster is at fault for */
async function explained<T>(ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (cause) {
		if (!isKubernetesError(cause)) throw cause;
		const isForbidden = cause instanceof KubernetesRefused && cause.status === 403;
		const advice = isForbidden ? '; the right is in the chart and in deploy/rbac.yaml: apply them again' : '';
		throw new LedgerUnavailable(`${cause.message}${advice}`, { cause });
	}
}

const isMissing = (object: string) =>
	`there is no ${object}, in which the cost of asking models is kept: apply the chart or deploy/rbac.yaml again`;

const isUnreadable = (object: string, namespace: string) =>
	`${object} is not readable: it was edited, or a newer version wrote it; delete its data to begin anew: kubectl -n ${namespace} patch configmap ${name} --type=merge -p '{"data":null}'`;
