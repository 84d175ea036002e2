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

/** Reports summed up by their fingerprints; what has none belongs to no group. */
export async function partsOf(reports: AsyncIterable<CrashReport>): Promise<Part[]> {
	const parts = new Map<string, Part>();
	for await (const report of reports) {
		const part = partOf(report);
		if (!part) continue;
		const known = parts.get(part.fingerprint);
		parts.set(part.fingerprint, known ? joined(known, part) : part);
	}
	return [...parts.values()];
}

function partOf(report: CrashReport): Part | undefined {
	const { fingerprint, looseFingerprint: loose, association, threads, time, repeats } = report;
	if (fingerprint === null) return undefined;
	const { host, namespace, instance } = association;
	return {
		fingerprint,
		count: repeats?.count ?? 1,
		first: Date.parse(repeats?.firstTime ?? time),
		last: Date.parse(repeats?.lastTime ?? time),
		hosts: host === undefined ? [] : [host],
		instances: namespace === undefined || instance === undefined ? [] : [`${namespace}/${instance}`],
		loose,
		isCut: threads[0]?.isCut ?? false,
		newest: report,
	};
}

function joined(one: Part, other: Part): Part {
	const { newest } = other.last > one.last ? other : one;
	return {
		fingerprint: one.fingerprint,
		count: one.count + other.count,
		first: Math.min(one.first, other.first),
		last: Math.max(one.last, other.last),
		hosts: [...new Set([...one.hosts, ...other.hosts])],
		instances: [...new Set([...one.instances, ...other.instances])],
		loose: one.loose ?? other.loose,
		isCut: one.isCut && other.isCut,
		newest,
	};
}

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
