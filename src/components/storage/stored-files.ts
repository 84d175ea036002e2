import { type Backend, isSafeName, type StoredFile } from '../../domain/backend.ts';
import type { CrashReport } from '../../domain/report.ts';
import type { Reports } from '../../domain/reports.ts';
import { type StoredCore, storedCore, storedFile } from '../../domain/stored-file.ts';

/** What a journal says of the cores that are stored. */
export type Recorded = Pick<Reports, 'report'> & { reports(): Iterable<CrashReport> };

export type KnownCore = { readonly id: string; readonly core: StoredCore };

/** The stored cores that a journal knows, by their names without their ends. */
export function knownCores(journal: Recorded | undefined): ReadonlyMap<string, KnownCore> {
	const known = new Map<string, KnownCore>();
	for (const report of journal?.reports() ?? []) {
		const core = storedCore(report);
		if (core) known.set(stemOf(storedFile(core))?.stem ?? storedFile(core), { id: report.id, core });
	}
	return known;
}

/** The files of one crash. */
export type Belongings = { readonly cores: readonly StoredFile[]; readonly report?: StoredFile; readonly sizeBytes: number };

export type Inventory = {
	/** By their names without their ends. */
	readonly sets: ReadonlyMap<string, Belongings>;
	readonly unknown: readonly StoredFile[];
	readonly sizeBytes: number;
};

/** All that is stored, or what has names that begin so. */
export async function belongings(backend: Backend, signal: AbortSignal, prefix = ''): Promise<Inventory> {
	const sets = new Map<string, Belongings>();
	const unknown: StoredFile[] = [];
	let sizeBytes = 0;
	for await (const file of backend.list(prefix, signal)) {
		sizeBytes += file.sizeBytes;
		const { stem, end } = stemOf(file.name) ?? {};
		if (stem === undefined) {
			unknown.push(file);
			continue;
		}
		const set = sets.get(stem) ?? { cores: [], sizeBytes: 0 };
		const size = set.sizeBytes + file.sizeBytes;
		sets.set(stem, end === '.json' ? { ...set, report: file, sizeBytes: size } : { ...set, cores: [...set.cores, file], sizeBytes: size });
	}
	return { sets, unknown, sizeBytes };
}

const named = /^([^/]+\/[^/]+?)(\.core(?:\.(?:zst|gz|lz4|xz))?|\.crash|\.json)$/;

function stemOf(name: string): { readonly stem: string; readonly end: string } | undefined {
	const [, stem, end] = named.exec(name) ?? [];
	return stem !== undefined && end !== undefined && isSafeName(name) ? { stem, end } : undefined;
}
