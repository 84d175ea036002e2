import { basename } from 'node:path';
import { printable } from '../base/printable.ts';
import { placeName } from '../domain/frames.ts';
import type { CrashReport } from '../domain/report.ts';
import { isKept } from '../domain/stored-file.ts';
import { ending, headline, issueName } from './headline.ts';
import { cut } from './table.ts';

/** A report in a few words each, for whom no room is left for more: printable, and short. */
export type Summary = {
	readonly headline: string;
	readonly what: string;
	readonly culprit: string | undefined;
	readonly knownIssue: string | undefined;
	/** Where the core is, or why it is nowhere; undefined: not decided yet. */
	readonly storedAs: string | undefined;
};

export function summaryOf(report: CrashReport): Summary {
	const { culprit, knownIssues } = report;
	const [issue] = knownIssues;
	return {
		headline: cut(headline(report), 300),
		what: cut(printable(ending(report)), 40),
		culprit: culprit ? cut(printable(placeName(culprit)), 100) : undefined,
		knownIssue: issue && cut(printable(issueName(issue)), 60),
		storedAs: storedAs(report),
	};
}

function storedAs({ storage, status, core, lostCore }: CrashReport): string | undefined {
	if (isKept(storage)) return cut(printable(basename(storage.location)), 255);
	if (lostCore) return cut(`no core: ${printable(lostCore.reason)}`, 100);
	if (core === null) return status === 'found' ? undefined : 'no core';
	return storage ? status : undefined;
}
