import type { Group } from '../domain/history.ts';
import type { EpochMs } from '../domain/stage.ts';

/** The reports of one fingerprint, as the database sums them up. */
export type GroupRow = {
	readonly fingerprint: string;
	readonly count: number;
	readonly first: EpochMs;
	readonly last: EpochMs;
	/** JSON. */
	readonly hosts: string;
	readonly loose: string | null;
	/** 1: the stacks of all of them are cut off. */
	readonly isCut: number;
	/** JSON. */
	readonly newest: string;
};

/**
 * Groups, those that came last first. A stack that is cut off has too few frames for a fingerprint of the bug: by its loose one it goes to
 * the others with the same culprit.
 */
export function grouped(rows: readonly GroupRow[]): Group[] {
	const homes = new Map<string, GroupRow>();
	// Whole ones before those that are cut off, and of these the largest.
	for (const row of [...rows].sort((a, b) => a.isCut - b.isCut || b.count - a.count))
		if (row.loose !== null && !homes.has(row.loose)) homes.set(row.loose, row);
	const members = new Map<GroupRow, GroupRow[]>();
	for (const row of rows) {
		const home = (row.isCut && row.loose !== null ? homes.get(row.loose) : undefined) ?? row;
		members.set(home, [...(members.get(home) ?? []), row]);
	}
	return [...members].map(([home, all]) => summed(home, all)).sort((a, b) => b.last - a.last);
}

function summed({ fingerprint }: GroupRow, rows: readonly GroupRow[]): Group {
	const newest = rows.reduce((one, other) => (other.last > one.last ? other : one));
	return {
		fingerprint,
		count: rows.reduce((sum, { count }) => sum + count, 0),
		hosts: new Set(rows.flatMap(({ hosts }) => (JSON.parse(hosts) as (string | null)[]).filter((host) => host !== null))).size,
		first: Math.min(...rows.map(({ first }) => first)),
		last: newest.last,
		newest: JSON.parse(newest.newest),
	};
}
