import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CrashReport } from '../../src/domain/report.ts';
import { readJournal } from '../../src/journal/journal.ts';

/** What a journal says of a run, asked from beside. */
export type Ledger = {
	readonly reports: readonly CrashReport[];
	/** What no stage has settled yet. */
	readonly backlog: number;
	/** Work that was given up, but for analyses: their cores go on without. */
	readonly rejections: readonly string[];
};

export function ledgerOf(path: string): Ledger {
	return asked(path, { reports: [], backlog: 0, rejections: [] }, () => {
		using journal = readJournal(path);
		return {
			reports: [...journal.reports()],
			backlog: journal.backlog(),
			rejections: journal
				.rejections()
				.filter(({ stage }) => stage !== 'analyzer')
				.map(({ stage, key, reason }) => `${stage} gave up ${key}: ${reason}`),
		};
	});
}

/** How far an agent has come that is dead now: the cores that are stored, and how many it was storing, or putting the reports of beside them. */
export function progressOf(path: string): { readonly stored: number; readonly inHand: number } {
	return asked(path, { stored: 0, inHand: 0 }, () => {
		using db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
		const count = (from: string) => Number(db.prepare(`select count(*) as count from ${from}`).get()?.count);
		return {
			stored: count('kept where location is not null'),
			inHand: count("work where state = 'claimed' and stage in ('storage', 'sidecar')"),
		};
	});
}

/** @param nothing when the agent was killed before the layout was made, or makes it now */
function asked<T>(path: string, nothing: T, ask: () => T): T {
	if (!existsSync(path)) return nothing;
	try {
		return ask();
	} catch (error) {
		if (error instanceof Error && /no such table|older version/.test(error.message)) return nothing;
		throw error;
	}
}

/** The name of the core of which a report tells. */
export const coreNameOf = ({ core }: CrashReport): string => basename(core?.path ?? '');
