import { printable } from '../base/printable.ts';
import { formatSpan } from '../base/quantity.ts';
import { placeName } from '../domain/frames.ts';
import type { Group } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import { issueName } from './headline.ts';
import type { Paint } from './paint.ts';
import { cut, table } from './table.ts';

export type ListOptions = { readonly paint: Paint; readonly now: number };

/** Crash reports in a table, a line for each. */
export function reportList(reports: readonly CrashReport[], { paint, now }: ListOptions): string {
	const rows = reports.map((report) => [
		report.id,
		ago(Date.parse(report.time), now),
		report.signal?.name ?? report.kind,
		culpritOf(report),
		cut(printable(report.process.name ?? '-'), 20),
		report.score?.total.toFixed(1) ?? '-',
		report.status,
	]);
	return titled(['ID', 'CRASHED', 'SIGNAL', 'CULPRIT', 'PROCESS', 'SCORE', 'STATUS'], rows, paint);
}

/** Crashes of the same fingerprint together, a line for each group. */
export function groupList(groups: readonly Group[], { paint, now }: ListOptions): string {
	const rows = groups.map(({ fingerprint, count, hosts, first, last, newest }) => [
		fingerprint,
		String(count),
		String(hosts),
		ago(first, now),
		ago(last, now),
		newest.signal?.name ?? newest.kind,
		culpritOf(newest),
		newest.knownIssues[0] ? issueName(newest.knownIssues[0]) : '-',
	]);
	return titled(['FINGERPRINT', 'COUNT', 'HOSTS', 'FIRST', 'LAST', 'SIGNAL', 'CULPRIT', 'KNOWN ISSUE'], rows, paint);
}

const ago = (time: number, now: number) => `${formatSpan(now - time)} ago`;

const culpritOf = ({ culprit }: CrashReport) => cut(printable(culprit ? placeName(culprit) : '-'), 50);

function titled(titles: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
	const [head = '', ...lines] = table([titles, ...rows]);
	return `${[paint('bold', head), ...lines].join('\n')}\n`;
}
