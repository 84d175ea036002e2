import type { BigIntStats } from 'node:fs';
import { matchesGlob } from 'node:path';
import { formatSpan } from '../../base/quantity.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { CorefileError } from '../../readers/corefile/corefile.ts';
import { type Examined, examine } from './examine.ts';

/** A file that may be a core. */
export type Candidate = { readonly path: string; readonly file: BigIntStats };

/** What a file in the folder of cores is. */
export type Verdict =
	| { readonly is: 'core'; readonly examined: Examined }
	| { readonly is: 'unfinished'; readonly reason: string; readonly lookAgainAt: EpochMs }
	| { readonly is: 'left alone'; readonly why: 'ignored' | 'too old' | 'not a core'; readonly detail: string };

export type VerdictOptions = {
	readonly corePattern?: string | undefined;
	readonly maxFileAgeMs: number;
	/** Shell patterns for base names. */
	readonly ignorePatterns: readonly string[];
};

/** For how long a file must stay as it is before it is taken for finished, where it does not say itself that it is whole. */
const quietMs = { packed: 5_000, truncated: 30_000, notCore: 5_000 } as const;

/** Judges files, and remembers since when those that are not finished have not changed. */
export function createJudge({ corePattern, maxFileAgeMs, ignorePatterns }: VerdictOptions, now: () => EpochMs) {
	const unchanged = new Map<string, { readonly state: string; readonly since: EpochMs }>();

	function quietSince(name: string, { mtimeNs, size, ino }: BigIntStats): EpochMs {
		const state = `${ino}:${size}:${mtimeNs}`;
		const known = unchanged.get(name);
		if (known?.state === state) return known.since;
		unchanged.set(name, { state, since: now() });
		return now();
	}

	/**
	 * @param name in the folder of cores
	 * @param core where the core is: the same file, or one in the directory of that name
	 */
	async function judge(name: string, { path, file }: Candidate): Promise<Verdict> {
		if (ignorePatterns.some((pattern) => matchesGlob(name, pattern)))
			return { is: 'left alone', why: 'ignored', detail: 'collector.ignorePatterns' };
		const ageMs = now() - Number(file.mtimeMs);
		if (ageMs > maxFileAgeMs) return { is: 'left alone', why: 'too old', detail: formatSpan(ageMs) };
		/** Waits until the file has been quiet for so long. */
		const unlessQuiet = (quiet: number, reason: string): Verdict | undefined => {
			const lookAgainAt = quietSince(name, file) + quiet;
			return now() < lookAgainAt ? { is: 'unfinished', reason, lookAgainAt } : undefined;
		};
		// Until a report of apport is whole, nobody has a right to it.
		if ((file.mode & 0o777n) === 0n && name.endsWith('.crash'))
			return { is: 'unfinished', reason: 'apport is writing it', lookAgainAt: now() + quietMs.packed };
		try {
			const examined = await examine(path, { corePattern, now: now() });
			const { complete, isAtomic } = examined;
			const isFinished = complete === 'yes' || isAtomic;
			const quiet = complete === 'truncated' ? quietMs.truncated : quietMs.packed;
			return (isFinished ? undefined : unlessQuiet(quiet, `complete: ${complete}`)) ?? { is: 'core', examined };
		} catch (error) {
			if (!(error instanceof CorefileError)) throw error;
			return unlessQuiet(quietMs.notCore, error.message) ?? { is: 'left alone', why: 'not a core', detail: error.message };
		}
	}

	return { judge, forget: (name: string) => unchanged.delete(name) };
}
