import { setTimeout as delay } from 'node:timers/promises';
import { isUnderway } from '../agent/agent.ts';
import { printable } from '../base/printable.ts';
import type { CrashReport } from '../domain/report.ts';
import type { JournalGuest } from '../journal/journal.ts';
import { createProgress } from './progress.ts';

/** A revision that was asked for, and the report before it. */
export type Wanted = { readonly id: string; readonly revision: number; readonly before: CrashReport };

const intervalMs = 300;

/** Waits until the agent is done with all of them. @returns false where no agent runs that would be */
export async function waitForAll(guest: JournalGuest, wanted: readonly Wanted[], signal: AbortSignal): Promise<boolean> {
	using progress = createProgress();
	for (;;) {
		const underway = wanted.map(({ id }) => isUnderway(guest.view, id)).filter((work) => work !== undefined);
		const [first] = underway;
		if (!first) return true;
		if (!guest.isOwned()) return false;
		const count = wanted.length === 1 ? '' : `${wanted.length - underway.length} of ${wanted.length}, `;
		progress.step(`${count}${first.stage}${first.reason === null ? '' : ` tries again: ${printable(first.reason.split('\n')[0] ?? '')}`}`);
		await delay(intervalMs, undefined, { signal });
	}
}
