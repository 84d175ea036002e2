import type { CrashReport } from '../../domain/report.ts';

/** How a stored core is packed, by the end of its name; `.crash` is a report of apport. */
export type StoredAs = '.core.zst' | '.core.gz' | '.core.lz4' | '.core.xz' | '.crash' | '.core';

/**
 * The name of a stored core without its end: `{namespace}.{instance}/{time}-{id6}_{pod}_{container}`, or without a pod
 * `unassociated/{time}-{id6}_{host}_{process}`. It holds only letters, digits and `.-_/`, whatever the process calls itself, and sorts by time.
 */
export function storedName({ id, time, association, process }: Pick<CrashReport, 'id' | 'time' | 'association' | 'process'>): string {
	const compactTime = time.replaceAll(/[-:]|\.\d+/g, '');
	const { namespace, instance, pod, container, host } = association;
	const isInPod = namespace !== undefined && pod !== undefined;
	const folder = isInPod ? safe(`${namespace}.${instance ?? pod}`, longestFolder) : 'unassociated';
	const [where, what] = isInPod ? [pod, container] : [host ?? 'unknown-host', process.name];
	return `${folder}/${compactTime}-${id.slice(0, 6)}_${safe(where)}_${safe(what ?? 'unknown')}`;
}

/** The report beside a stored core. */
export const sidecarOf = (coreName: string) => `${coreName.replace(/\.(core(\.(zst|gz|lz4|xz))?|crash)$/, '')}.json`;

/** Two names of Kubernetes, of 63 and 53 characters. */
const longestFolder = 128;

const safe = (text: string, longest = 63) =>
	text
		.replaceAll(/[^A-Za-z0-9_.-]/g, '-')
		.replace(/^\.+/, '-')
		.slice(0, longest);
