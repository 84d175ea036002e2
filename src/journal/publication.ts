import type { DatabaseSync } from 'node:sqlite';
import { familyOf, folding } from '../domain/family.ts';
import type { Changed, Span, Tally, TallySort, Whose } from '../domain/outbox.ts';
import { type CrashReport, mostRecentTimes, type Repeats } from '../domain/report.ts';
import { componentKey, instanceKey } from '../domain/sightings.ts';
import type { EpochMs } from '../domain/stage.ts';

/** Which reports are to be published, and which stand for which others: decided once, when a crash has been analysed, and kept. */
export type Publication = ReturnType<typeof publication>;

/** To be run in the transactions of the owner. */
export function publication(db: DatabaseSync) {
	const sql = {
		// Crashes do not become known in their order: a family is as long before its first as after it.
		open: db.prepare(`
			select opened, max(ordinal) as ordinal from report
			where family = :family and abs(opened - :time) < :span group by opened order by opened desc limit 1`),
		families: db.prepare(`
			select count(distinct family) as count from report where family > :scope || '.' and family < :scope || '/' and abs(opened - :time) < :span`),
		headOf: db.prepare('select id from report where family = :family and opened = :opened and ordinal = :ordinal'),
		place: db.prepare('update report set family = :family, opened = :opened, ordinal = :ordinal, head = :head where id = :id'),
		touch: db.prepare('update report set changed = :change where id = :id'),
		unpublished: db.prepare(
			'select id, changed as change from report where head = id and changed > published and changed > :after order by changed limit :most',
		),
		repeats: db.prepare('select count(*) as count, min(time) as first, max(time) as last from report where head = :id'),
		// A restart at start-up that healed is none of the crashes that matter; of the report's own one its own words say so.
		recent: db.prepare(`
			select time from report
			where id in (select id from report where head = :id order by time desc limit 2 * :most)
				and (id = :id or not coalesce(body ->> '$.restart.isHealed', 0))
			order by time desc limit :most`),
		setPublished: db.prepare('update report set published = :change where id = :id'),
		changedSince: db.prepare('select id, changed as change, time from report where changed > :after order by changed limit :most'),
		publishedIn: db.prepare('select head from report where id = :id and head is not null'),
		tallyOfPod: db.prepare(tally(`container > :whose || '/' and container < :whose || '0'`)),
		tallyOfComponent: db.prepare(tally('instance = :whose')),
		tallyOfInstance: db.prepare(tally(`instance > :whose || '/' and instance < :whose || '0'`)),
		told: db.prepare("select cast(value as integer) as change from bookmark where name = 'told'"),
		setTold: db.prepare("insert into bookmark (name, value) values ('told', :change) on conflict (name) do update set value = :change"),
	};

	/** Its head: its own, while there are few of its family. */
	function place(report: CrashReport): string {
		const { id } = report;
		const time = Date.parse(report.time);
		const { scope, name, catchAll } = familyOf(report);
		const openOf = (family: string) =>
			sql.open.get({ family, time, span: folding.familyMs }) as { opened: EpochMs; ordinal: number } | undefined;
		const own = openOf(name);
		const { count } = sql.families.get({ scope, time, span: folding.familyMs }) as { count: number };
		const family = own || count < folding.families ? name : catchAll;
		const { opened, ordinal: before } = (family === name ? own : openOf(catchAll)) ?? { opened: time, ordinal: 0 };
		const last = { family, opened, ordinal: folding.ownReports };
		const head = before < folding.ownReports ? id : ((sql.headOf.get(last)?.id as string | undefined) ?? id);
		sql.place.run({ id, family, opened, ordinal: before + 1, head });
		return head;
	}

	function tallyOf({ all, of }: Whose, since: EpochMs) {
		switch (all) {
			case 'pod':
				return sql.tallyOfPod.get({ whose: of.podUid ?? '', since });
			case 'component':
				return sql.tallyOfComponent.get({ whose: componentKey(of) ?? '', since });
			case 'instance':
				return sql.tallyOfInstance.get({ whose: instanceKey(of) ?? '', since });
			default:
				return all satisfies never;
		}
	}

	const publishedIn = (id: string) => sql.publishedIn.get({ id })?.head as string | undefined;

	return {
		/** After a report has been written. @param nextChange gives the number of one more change */
		written(report: CrashReport, nextChange: () => number): void {
			if (report.status === 'found') return;
			const before = publishedIn(report.id);
			const head = before ?? place(report);
			// Of those that it stands for it tells when they were, but not of those that healed.
			if (head !== report.id && (before === undefined || report.restart?.isHealed)) sql.touch.run({ id: head, change: nextChange() });
		},

		unpublished: (after: number, most: number) => sql.unpublished.all({ after, most }) as Changed[],
		changedSince: (after: number, most: number) => sql.changedSince.all({ after, most }) as (Changed & { time: EpochMs })[],
		publishedIn,

		repeats(id: string): Repeats {
			const { count, first, last } = sql.repeats.get({ id }) as Record<keyof Span, number>;
			const span = { count, firstTime: isoTime(first), lastTime: isoTime(last) };
			if (count === 1) return span;
			return { ...span, recentTimes: sql.recent.all({ id, most: mostRecentTimes }).map(({ time }) => isoTime(time as number)) };
		},

		setPublished(id: string, change: number): void {
			sql.setPublished.run({ id, change });
		},

		told: () => (sql.told.get()?.change as number | undefined) ?? 0,
		setTold(change: number): void {
			sql.setTold.run({ change: String(change) });
		},

		tally(whose: Whose, since: EpochMs): Tally {
			const row = tallyOf(whose, since) as Record<string, number>;
			const span = (sort: TallySort): Span => ({
				count: row[sort] ?? 0,
				first: row[`${sort}_first`] ?? 0,
				last: row[`${sort}_last`] ?? 0,
			});
			return { crashes: span('crashes'), pastStart: span('pastStart'), stored: span('stored'), lost: span('lost') };
		},
	};
}

const isoTime = (at: EpochMs) => new Date(at).toISOString();

const sorts: Readonly<Record<TallySort, string>> = {
	crashes: `status <> 'found'`,
	pastStart: `status <> 'found' and not is_start_up`,
	stored: `status in ('stored', 'deleted')`,
	lost: 'is_lost',
};

const tally = (whose: string) =>
	`select ${Object.entries(sorts)
		.map(([sort, of]) =>
			[
				`count(*) filter (where ${of}) as ${sort}`,
				`min(time) filter (where ${of}) as ${sort}_first`,
				`max(time) filter (where ${of}) as ${sort}_last`,
			].join(', '),
		)
		.join(', ')} from report where ${whose} and time > :since`;
