import type { Cluster, Informed, InformerOptions, KubernetesObject } from '../../src/drivers/kubernetes/kubernetes.ts';

/** Follows an informer, and keeps what it tells as short texts: `+a` new, `~a` changed, `-a` deleted. */
export function followed(cluster: Cluster, options: Omit<InformerOptions<KubernetesObject, string>, 'trim'>) {
	const stop = new AbortController();
	const told: string[] = [];
	const ended = (async () => {
		const trim = ({ metadata }: KubernetesObject) => metadata.name;
		for await (const one of cluster.informer({ ...options, trim }, stop.signal)) told.push(words(one));
	})();
	return {
		told,
		/** What it tells of objects, after the first list. */
		changes: () => told.filter((one) => /^[+~-]/.test(one)),
		async [Symbol.asyncDispose]() {
			stop.abort();
			await ended;
		},
	};
}

export function words(told: Informed<string>): string {
	switch (told.is) {
		case 'synced':
			return `synced ${told.objects.toSorted().join(' ')}`.trimEnd();
		case 'changed':
			return `${told.before === undefined ? '+' : '~'}${told.object}`;
		case 'deleted':
			return `-${told.object}`;
		case 'unavailable':
			return `unavailable: ${told.reason}`;
		case 'available':
			return told.is;
		default:
			return told satisfies never;
	}
}
