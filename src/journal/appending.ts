import type { DatabaseSync } from 'node:sqlite';
import type { Event, Kind } from '../domain/events.ts';
import { fold } from '../domain/fold.ts';
import { seriesOf } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import { worthOf } from '../domain/score.ts';
import { componentKey, containerKey } from '../domain/sightings.ts';
import type { EpochMs } from '../domain/stage.ts';
import { isKept } from '../domain/stored-file.ts';
import type { Publication } from './publication.ts';
import type { statements } from './statements.ts';
import type { JournalView } from './view.ts';

/** The stages that read each kind of event. */
export type Readers = { readonly [K in Kind]?: readonly string[] };

export type Written = {
	readonly sql: ReturnType<typeof statements>;
	readonly view: JournalView;
	readonly publication: Publication;
	readonly readers: Readers;
	readonly now: () => EpochMs;
};

/** What an event does to a journal. To be run in a transaction. */
export function appending({ sql, view, publication, readers, now }: Written) {
	/** @returns the events that were new */
	function append(events: readonly Event[]): readonly Event[] {
		const at = now();
		return events.flatMap(numbered).filter((event) => {
			const { kind, key, revision = 1, joinKey = null, original, body } = event;
			if (original !== undefined) sql.know.run({ what: stored(original), at });
			const { changes, lastInsertRowid: id } = sql.append.run({ kind, key, revision, joinKey, body: JSON.stringify(body), at });
			if (changes === 0) return false;
			for (const stage of readers[kind] ?? []) sql.assign.run({ event: id, stage, due: at });
			if (joinKey !== null) sql.meet.run({ joinKey, due: at });
			const report = fold(view.report(key), event);
			if (report) write(report);
			return true;
		});
	}

	/** What has become known of a crash comes behind what a guest has asked for since it was decided on; once. */
	function numbered(event: Event): readonly Event[] {
		const { kind, key, revision = 1, body } = event;
		if (kind !== 'CoredumpFile' || revision === 1) return [event];
		const newest = view.report(key)?.revision ?? 0;
		if (revision > newest) return [event];
		if (sql.isReported.get({ key, revision, body: JSON.stringify(body) })) return [];
		return [{ ...event, revision: newest + 1 }];
	}

	function write(report: CrashReport): void {
		const nextChange = () => (sql.nextChange.get() as { change: number }).change;
		sql.report.run(reportRow(report, nextChange()));
		const kept = keptRow(report);
		if (kept) sql.keep.run(kept);
		else sql.letGo.run({ id: report.id });
		publication.written(report, nextChange);
	}

	return { append, write };
}

/** All of it, or nothing. */
export function inTransaction<T>(db: DatabaseSync, body: () => T): T {
	db.exec('begin immediate');
	try {
		const result = body();
		db.exec('commit');
		return result;
	} catch (error) {
		if (db.isTransaction) db.exec('rollback');
		throw error;
	}
}

/** SQLite's text is UTF-8, in which a file name of other bytes would lose them. */
export const stored = (original: string) => (original.isWellFormed() ? original : JSON.stringify(original));

const reportRow = (report: CrashReport, changed: number) => ({
	id: report.id,
	time: Date.parse(report.time),
	fingerprint: report.fingerprint,
	container: containerKey(report.association) ?? null,
	instance: componentKey(report.association) ?? null,
	status: report.status,
	isLost: Number(report.lostCore !== null || report.status === 'lost'),
	isStartUp: Number(report.restart?.isStartUp ?? false),
	changed,
	body: JSON.stringify(report),
});

/** What is kept of a crash's core, where that is something. */
function keptRow(report: CrashReport) {
	const { id, fingerprint, storage } = report;
	if (!storage || (storage.form === 'none' && (!storage.was || storage.was.why === 'age'))) return undefined;
	const [location, sizeBytes] = isKept(storage) ? [storage.location, storage.sizeBytes] : [null, storage.was?.sizeBytes ?? 0];
	const series = seriesOf(report) ?? null;
	return { id, series, fingerprint, worth: worthOf(report.score), foundAt: Date.parse(report.foundAt), location, sizeBytes };
}
