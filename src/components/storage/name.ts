import { isSafeName } from '../../domain/backend.ts';
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

/** What may stand beside a stored core, by the ends of their names: its report, that it must stay, that and why it was deleted. */
const besides = { report: '.json', pin: '.pinned', deletion: '.deleted' } as const;
export type Beside = keyof typeof besides;

/** The name of what stands beside a stored core. */
export const besideOf = (coreName: string, what: Beside): string => `${stemOf(coreName)}${besides[what]}`;

const named = /^([^/]+\/[^/]+?)(\.core(?:\.(?:zst|gz|lz4|xz))?|\.crash|\.json|\.pinned|\.deleted)$/;

/** What a file in a store is, and the name that it shares with what belongs to it. Undefined for what no agent names so. */
export function partsOf(name: string): { readonly stem: string; readonly is: Beside | 'core' } | undefined {
	const [, stem, end] = named.exec(name) ?? [];
	if (stem === undefined || !isSafeName(name)) return undefined;
	const [beside] = (Object.keys(besides) as Beside[]).filter((one) => besides[one] === end);
	return { stem, is: beside ?? 'core' };
}

/** The name that a stored core shares with what belongs to it. */
export const stemOf = (name: string): string => partsOf(name)?.stem ?? name;

/** Whose a stored core is, by its folder: `namespace.instance`; undefined where it is nobody's. */
export function instanceIn(name: string): string | undefined {
	const [folder] = name.split('/');
	return folder === 'unassociated' ? undefined : folder;
}

/** Two names of Kubernetes, of 63 and 53 characters. */
const longestFolder = 128;

const safe = (text: string, longest = 63) =>
	text
		.replaceAll(/[^A-Za-z0-9_.-]/g, '-')
		.replace(/^\.+/, '-')
		.slice(0, longest);
