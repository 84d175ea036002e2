import { printable } from '../base/printable.ts';
import { formatSpan } from '../base/quantity.ts';
import { placeName } from '../domain/frames.ts';
import type { Group } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import { ending, issueName } from './headline.ts';
import type { Paint } from './paint.ts';
import { cut, table } from './table.ts';

export type ListOptions = { readonly paint: Paint; readonly now: number };

/** Crash reports in a table, a line for each; where any of them is of a pod, with what it is of. */
export function reportList(reports: readonly CrashReport[], { paint, now }: ListOptions): string {
	const ofPods = reports.some(({ association }) => association.pod !== undefined);
	const areFolded = reports.some(({ repeats }) => repeats !== undefined);
	const rows = reports.map((report) => [
		report.id,
		ago(Date.parse(report.repeats?.lastTime ?? report.time), now),
		...(ofPods ? placeOf(report) : []),
		ending(report),
		culpritOf(report),
		cut(printable((ofPods ? report.association.component : undefined) ?? report.process.name ?? '-'), 20),
		report.score?.total.toFixed(1) ?? '-',
		...(areFolded ? [String(report.repeats?.count ?? 1)] : []),
		statusOf(report),
	]);
	const place = ofPods ? ['NAMESPACE', 'INSTANCE', 'POD'] : [];
	const count = areFolded ? ['COUNT'] : [];
	return titled(
		['ID', 'CRASHED', ...place, 'SIGNAL', 'CULPRIT', ofPods ? 'COMPONENT' : 'PROCESS', 'SCORE', ...count, 'STATUS'],
		rows,
		paint,
	);
}

/** Nobody decided against a core that there never was. */
const statusOf = ({ status, evidence }: CrashReport) => (status === 'skipped' && !evidence.includes('core') ? 'no core' : status);

/** Crashes of the same fingerprint together, a line for each group. */
export function groupList(groups: readonly Group[], { paint, now }: ListOptions): string {
	const areInstances = groups.some(({ instances }) => instances > 0);
	const rows = groups.map(({ fingerprint, count, hosts, instances, first, last, newest }) => [
		fingerprint,
		String(count),
		String(areInstances ? instances : hosts),
		ago(first, now),
		ago(last, now),
		ending(newest),
		culpritOf(newest),
		newest.knownIssues[0] ? issueName(newest.knownIssues[0]) : '-',
	]);
	const where = areInstances ? 'INSTANCES' : 'HOSTS';
	return titled(['FINGERPRINT', 'COUNT', where, 'FIRST', 'LAST', 'SIGNAL', 'CULPRIT', 'KNOWN ISSUE'], rows, paint);
}

function placeOf({ association: { namespace, instance, pod } }: CrashReport): string[] {
	return [namespace, instance, pod].map((name) => printable(name ?? '-'));
}

const ago = (time: number, now: number) => `${formatSpan(now - time)} ago`;

const culpritOf = ({ culprit }: CrashReport) => cut(printable(culprit ? placeName(culprit) : '-'), 50);

function titled(titles: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
	const [head = '', ...lines] = table([titles, ...rows]);
	return `${[paint('bold', head), ...lines].join('\n')}\n`;
}
