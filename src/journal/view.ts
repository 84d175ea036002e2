import type { DatabaseSync } from 'node:sqlite';
import { defined } from '../base/defined.ts';
import type { Bodies } from '../domain/events.ts';
import { grouped, type Part } from '../domain/groups.ts';
import type { Earlier, Group, History, KeptCore, KeptSum } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import type { Reports } from '../domain/reports.ts';
import { type Kept, type Revision, reportAt } from '../domain/revisions.ts';
import type { Seen, Sightings } from '../domain/sightings.ts';
import type { EpochMs } from '../domain/stage.ts';

/** Work that a stage gave up, or that no stage is there for. */
export type Rejection = {
	readonly stage: string;
	readonly kind: string;
	readonly key: string;
	readonly reason: string;
	readonly at: EpochMs;
};

const isNewest =
	'not exists (select 1 from event as newer where newer.kind = event.kind and newer.key = event.key and newer.revision > event.revision)';

/** What is folded into the report of the crash that is its key. */
const kindsOfCrashes = "'CoredumpFile', 'AnalysisResults', 'StorageEvent', 'OpinionRequest', 'OpinionEvent', 'DeletionEvent'";

const keptIn = "from kept where location > :folder || '/' and location < :folder || '0'";

/** What can be asked of a journal without changing it. */
export class JournalView implements History, Reports, Sightings {
	readonly #db: DatabaseSync;

	constructor(db: DatabaseSync) {
		this.#db = db;
	}

	/** The newest crash reports first. */
	*reports(most = Number.MAX_SAFE_INTEGER): Generator<CrashReport> {
		for (const row of this.#db.prepare('select body from report order by time desc, id limit ?').iterate(most))
			yield JSON.parse(row.body as string);
	}

	report(id: string): CrashReport | undefined {
		const row = this.#db.prepare('select body from report where id = ?').get(id);
		return row && JSON.parse(row.body as string);
	}

	/** The ids that start so. */
	idsLike(start: string): string[] {
		return this.#db
			.prepare("select id from report where id >= :start and id < :start || 'g' order by id limit 20")
			.all({ start })
			.map(({ id }) => id as string);
	}

	/** The report as it was at a revision; undefined where there is no such crash. */
	reportAt(id: string, revision: number): Revision | undefined {
		const report = this.report(id);
		return report && reportAt(this.#eventsOf(id), revision, report);
	}

	#eventsOf(key: string): Kept[] {
		return this.#db
			.prepare(`select kind, key, revision, body from event where key = ? and kind in (${kindsOfCrashes}) order by id`)
			.all(key)
			.map(({ body, ...event }) => ({ ...event, body: body === null ? undefined : JSON.parse(body as string) }) as Kept);
	}

	/** The crashes of one bug, by their ids, the newest first. */
	idsOf(fingerprint: string): string[] {
		return this.#db
			.prepare('select id from report where fingerprint = ? order by time desc, id')
			.all(fingerprint)
			.map(({ id }) => id as string);
	}

	earlier(fingerprint: string, before: EpochMs): Earlier {
		const row = this.#db
			.prepare(
				'select count(*) as count, min(time) as first, max(time) as last from report where fingerprint = :fingerprint and time < :before',
			)
			.get({ fingerprint, before }) as Record<keyof Earlier, number | null>;
		return {
			count: row.count ?? 0,
			...defined({ first: row.first ?? undefined, last: row.last ?? undefined }),
		};
	}

	kept(series: string, least: number, besides: string): number {
		const row = this.#db
			.prepare('select count(*) as count from kept where series = :series and worth >= :least and id <> :besides')
			.get({ series, least, besides }) as { count: number };
		return row.count;
	}

	/** The cores that are stored below a folder, in sum. */
	keptSum(folder: string): KeptSum {
		const row = this.#db.prepare(`select coalesce(sum(size_bytes), 0) as sizeBytes, min(found_at) as oldest ${keptIn}`).get({ folder });
		return { sizeBytes: row?.sizeBytes as number, ...defined({ oldest: (row?.oldest as number | null) ?? undefined }) };
	}

	keptCores(folder: string): KeptCore[] {
		const columns = 'id, fingerprint, worth, found_at as foundAt, location, size_bytes as sizeBytes';
		return this.#db.prepare(`select ${columns} ${keptIn}`).all({ folder }) as KeptCore[];
	}

	/** Whether there is something that a stage has not settled yet. */
	hasWork(stage: string): boolean {
		return (
			this.#db.prepare("select 1 from work where stage = ? and state in ('ready', 'waiting', 'claimed') limit 1").get(stage) !== undefined
		);
	}

	/** Crashes of the same bug together, those that came last first. */
	groups(most = Number.MAX_SAFE_INTEGER): Group[] {
		const rows = this.#db
			.prepare(`
				select fingerprint, count(*) as count, min(time) as first, max(time) as last,
					json_group_array(distinct body ->> '$.association.host') as hosts, 
					json_group_array(distinct (body ->> '$.association.namespace') || '/' || (body ->> '$.association.instance')) as instances,
					max(body ->> '$.looseFingerprint') as loose, min(coalesce(body ->> '$.threads[0].isCut', 0)) as isCut,
					(select body from report as one where one.fingerprint = report.fingerprint order by time desc, id limit 1) as newest
				from report where fingerprint is not null group by fingerprint`)
			.all() as GroupRow[];
		return grouped(rows.map(partOf)).slice(0, most);
	}

	record(key: string): Bodies['CoreRecord'] | undefined {
		const row = this.#db.prepare("select body from event where kind = 'CoreRecord' and key = ? and body is not null").get(key);
		return row && JSON.parse(row.body as string);
	}

	hasCore(key: string): boolean {
		return this.#db.prepare("select 1 from event where kind in ('FoundCore', 'CoredumpFile') and key = ? limit 1").get(key) !== undefined;
	}

	restartsSince(time: EpochMs): Seen<'RestartEvent'>[] {
		return this.#seenSince('RestartEvent', time);
	}

	notesSince(time: EpochMs): Seen<'CoreNote'>[] {
		return this.#seenSince('CoreNote', time);
	}

	hasRecovered(container: string, restartCount: number): boolean {
		// The key is the container and the count.
		return this.#db
			.prepare("select key from event where kind = 'RecoveryEvent' and key > :container || '/' and key < :container || '0'")
			.all({ container })
			.some(({ key }) => Number((key as string).slice(container.length + 1)) >= restartCount);
	}

	correlation(key: string): Seen<'Correlation'> | undefined {
		return this.#seen<'Correlation'>("kind = 'Correlation' and key = ? order by revision desc limit 1", key)[0];
	}

	correlationWith(restart: string): Seen<'Correlation'> | undefined {
		return this.#seen<'Correlation'>(`kind = 'Correlation' and join_key = ? and ${isNewest}`, restart)[0];
	}

	openCorrelations(time: EpochMs): Seen<'Correlation'>[] {
		return this.#seen<'Correlation'>(`kind = 'Correlation' and at >= ? and join_key is null and ${isNewest} order by at, id`, time);
	}

	#seenSince<K extends keyof Bodies>(kind: K, time: EpochMs): Seen<K>[] {
		return this.#seen<K>(`kind = '${kind}' and at >= ? order by at, id`, time);
	}

	#seen<K extends keyof Bodies>(which: string, value: string | number): Seen<K>[] {
		return this.#db
			.prepare(`select key, revision, body from event where body is not null and ${which}`)
			.all(value)
			.map(({ key, revision, body }) => ({ key: key as string, revision: revision as number, body: JSON.parse(body as string) }));
	}

	/** How far something outside has been read. */
	bookmark(name: string): string | undefined {
		return this.#db.prepare('select value from bookmark where name = ?').get(name)?.value as string | undefined;
	}

	rejections(): Rejection[] {
		return this.#db
			.prepare(
				"select stage, kind, key, coalesce(reason, '') as reason, due as at from work join event on event.id = work.event where state = 'rejected' order by due desc",
			)
			.all() as Rejection[];
	}

	/** What keeps the work on one crash waiting, by stage: the reasons of the last tries. */
	delays(key: string): { readonly stage: string; readonly reason: string }[] {
		return this.#db
			.prepare(
				"select stage, reason from work join event on event.id = work.event where key = ? and state in ('ready', 'claimed') and reason is not null and retries > 0",
			)
			.all(key) as { stage: string; reason: string }[];
	}

	/** The stages that have something to do about one crash; with the reason where they tried before. */
	unsettled(key: string): { readonly stage: string; readonly reason: string | null }[] {
		return this.#db
			.prepare(
				`select stage, reason from work join event on event.id = work.event
				where key = ? and kind in (${kindsOfCrashes}) and state in ('ready', 'waiting', 'claimed') order by event.id`,
			)
			.all(key) as { stage: string; reason: string | null }[];
	}

	/** Why a stage gave up a revision of a crash; undefined where none did. */
	givenUp(key: string, revision: number): string | undefined {
		const row = this.#db
			.prepare(
				`select stage || ': ' || coalesce(reason, '') as why from work join event on event.id = work.event
				where key = ? and revision = ? and kind in (${kindsOfCrashes}) and state = 'rejected' order by event.id limit 1`,
			)
			.get(key, revision);
		return row?.why as string | undefined;
	}

	/** What came of asking a model about a revision of a crash; also where the report shows an earlier opinion, which is better than none. */
	opinionOn(key: string, revision: number): Bodies['OpinionEvent']['opinion'] | undefined {
		const row = this.#db
			.prepare("select body from event where kind = 'OpinionEvent' and key = ? and revision = ? and body is not null")
			.get(key, revision);
		return row && (JSON.parse(row.body as string) as Bodies['OpinionEvent']).opinion;
	}

	/** How much is still to be done. */
	backlog(): number {
		return (
			this.#db.prepare("select count(*) as count from work where state in ('ready', 'waiting', 'claimed')").get() as { count: number }
		).count;
	}
}

/** A row of `groups`; hosts, instances and newest are JSON. */
type GroupRow = Pick<Part, 'fingerprint' | 'count' | 'first' | 'last' | 'loose'> & {
	readonly isCut: number;
	readonly hosts: string;
	readonly instances: string;
	readonly newest: string;
};

function partOf({ hosts, instances, isCut, newest, ...part }: GroupRow): Part {
	const known = (list: string) => (JSON.parse(list) as (string | null)[]).filter((one) => one !== null);
	return { ...part, hosts: known(hosts), instances: known(instances), isCut: isCut !== 0, newest: JSON.parse(newest) };
}
