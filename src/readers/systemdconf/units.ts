import { lastOf } from './assignments.ts';
import { countOf, spanOf } from './values.ts';

/** How many cores systemd-coredump takes at once, and for how long it writes at one; undefined where it is not known. */
export type HandlerLimits = {
	readonly maxConnections: number | undefined;
	/** All crashes are of one source: the kernel starts the handler as root. 0: no limit. */
	readonly maxConnectionsPerSource: number | undefined;
	readonly runtimeMaxMs: number | undefined;
};

/** systemd's own, where a socket unit does not say it: systemd.socket(5). */
const defaultMaxConnections = 64;

/**
 * @param socket texts of systemd-coredump.socket and its drop-ins, in the order in which they count; undefined where they can't be seen
 * @param service those of systemd-coredump@.service
 */
export function handlerLimits(socket: readonly string[] | undefined, service: readonly string[] | undefined): HandlerLimits {
	return {
		maxConnections: socket && (lastOf(socket, 'Socket', 'MaxConnections', countOf) ?? defaultMaxConnections),
		maxConnectionsPerSource: socket && (lastOf(socket, 'Socket', 'MaxConnectionsPerSource', countOf) ?? 0),
		runtimeMaxMs: service && (lastOf(service, 'Service', 'RuntimeMaxSec', spanOf) ?? Number.POSITIVE_INFINITY),
	};
}
