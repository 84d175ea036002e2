import type { Backend, StoredFile } from '../../domain/backend.ts';
import type { CrashReport } from '../../domain/report.ts';
import type { Reports } from '../../domain/reports.ts';
import { type StoredCore, storedCore, storedFile } from '../../domain/stored-file.ts';
import { type Beside, partsOf, stemOf } from './name.ts';

/** What a journal says of the cores that are stored. */
export type Recorded = Pick<Reports, 'report'> & { reports(): Iterable<CrashReport> };

export type KnownCore = { readonly id: string; readonly core: StoredCore };

/** The stored cores that a journal knows, by their names without their ends. */
export function knownCores(journal: Recorded | undefined): ReadonlyMap<string, KnownCore> {
	const known = new Map<string, KnownCore>();
	for (const report of journal?.reports() ?? []) {
		const core = storedCore(report);
		if (core) known.set(stemOf(storedFile(core)), { id: report.id, core });
	}
	return known;
}

/** The files of one crash. */
export type Belongings = { readonly cores: readonly StoredFile[]; readonly sizeBytes: number } & { readonly [B in Beside]?: StoredFile };

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
		const { stem, is } = partsOf(file.name) ?? {};
		if (stem === undefined || is === undefined) {
			unknown.push(file);
			continue;
		}
		const set = sets.get(stem) ?? { cores: [], sizeBytes: 0 };
		const more = is === 'core' ? { cores: [...set.cores, file] } : { [is]: file };
		sets.set(stem, { ...set, ...more, sizeBytes: set.sizeBytes + file.sizeBytes });
	}
	return { sets, unknown, sizeBytes };
}

/** The files of the crash that one of this name belongs to; undefined where there are none. */
export async function belongingsOf(backend: Backend, name: string, signal: AbortSignal): Promise<Belongings | undefined> {
	const stem = stemOf(name);
	return (await belongings(backend, signal, stem)).sets.get(stem);
}
