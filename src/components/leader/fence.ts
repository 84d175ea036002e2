import type { Cluster } from '../../drivers/kubernetes/kubernetes.ts';

/**
 * The cluster for as long as a term lasts: before each write the clock is asked, as a timer may be late in a process that was stopped. All that
 * is under way ends with the signal.
 *
 * @param isOver aborts the signal when it is so
 */
export function fenced(cluster: Cluster, isOver: () => boolean, signal: AbortSignal): Cluster {
	function either(own: AbortSignal | undefined): AbortSignal {
		isOver();
		signal.throwIfAborted();
		return own === undefined || own === signal ? signal : AbortSignal.any([own, signal]);
	}
	return {
		...cluster,
		create: async (path, body, own) => cluster.create(path, body, either(own)),
		patch: async (path, body, options, own) => cluster.patch(path, body, options, either(own)),
		replace: async (path, body, options, own) => cluster.replace(path, body, options, either(own)),
		remove: async (path, preconditions, own) => cluster.remove(path, preconditions, either(own)),
	};
}
