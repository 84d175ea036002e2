import type { Group } from './history.ts';
import type { CrashReport } from './report.ts';
import type { EpochMs } from './stage.ts';

/** Crashes of one fingerprint, summed up. */
export type Part = {
	readonly fingerprint: string;
	readonly count: number;
	readonly first: EpochMs;
	readonly last: EpochMs;
	readonly hosts: readonly string[];
	/** By namespace and name. */
	readonly instances: readonly string[];
	/** Fingerprint of the culprit alone. */
	readonly loose: string | null;
	/** Whether the stacks of all of them are cut off. */
	readonly isCut: boolean;
	readonly newest: CrashReport;
};

/**
 * Groups, those that came last first. A stack that is cut off has too few frames for a fingerprint of the bug: by its loose one it goes to
 * the others with the same culprit.
 */
export function grouped(parts: readonly Part[]): Group[] {
	const homes = new Map<string, Part>();
	// Whole ones before those that are cut off, and of these the largest.
	for (const part of [...parts].sort((a, b) => Number(a.isCut) - Number(b.isCut) || b.count - a.count))
		if (part.loose !== null && !homes.has(part.loose)) homes.set(part.loose, part);
	const members = new Map<Part, Part[]>();
	for (const part of parts) {
		const home = (part.isCut && part.loose !== null ? homes.get(part.loose) : undefined) ?? part;
		members.set(home, [...(members.get(home) ?? []), part]);
	}
	return [...members].map(([home, all]) => summed(home, all)).sort((a, b) => b.last - a.last);
}

function summed({ fingerprint }: Part, parts: readonly Part[]): Group {
	const newest = parts.reduce((one, other) => (other.last > one.last ? other : one));
	const different = (of: 'hosts' | 'instances') => new Set(parts.flatMap((part) => part[of])).size;
	return {
		fingerprint,
		count: parts.reduce((sum, { count }) => sum + count, 0),
		hosts: different('hosts'),
		instances: different('instances'),
		first: Math.min(...parts.map(({ first }) => first)),
		last: newest.last,
		newest: newest.newest,
	};
}
