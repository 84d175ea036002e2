import { printable } from '../base/printable.ts';
import { formatSpan } from '../base/quantity.ts';
import { placeName } from '../domain/frames.ts';
import type { CrashReport } from '../domain/report.ts';
import type { Paint } from './paint.ts';
import { cut, table } from './table.ts';

/** Crash reports in a table, a line for each. */
export function reportList(reports: readonly CrashReport[], { paint, now }: { readonly paint: Paint; readonly now: number }): string {
	const rows = reports.map((report) => [
		report.id,
		`${formatSpan(now - Date.parse(report.time))} ago`,
		report.signal?.name ?? '-',
		cut(printable(report.culprit ? placeName(report.culprit) : '-'), 50),
		cut(printable(report.process.name ?? '-'), 20),
		report.score?.total.toFixed(1) ?? '-',
		report.status,
	]);
	const [head = '', ...lines] = table([['ID', 'CRASHED', 'SIGNAL', 'CULPRIT', 'PROCESS', 'SCORE', 'STATUS'], ...rows]);
	return `${[paint('bold', head), ...lines].join('\n')}\n`;
}
