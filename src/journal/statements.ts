import type { DatabaseSync } from 'node:sqlite';

/** What the owner of a journal asks of it. A transition of work is one statement. */
export const statements = (db: DatabaseSync) => ({
	append: db.prepare(
		'insert into event (kind, key, revision, join_key, body, at) values (:kind, :key, :revision, :joinKey, :body, :at) on conflict do nothing',
	),
	isReported: db.prepare(`
		select 1 from event where kind = 'CoredumpFile' and key = :key and body ->> '$.isAnew' is null
			and (revision = :revision or (revision > :revision and body = :body))`),
	assign: db.prepare('insert into work (event, stage, due) values (:event, :stage, :due)'),
	meet: db.prepare("update work set state = 'ready', due = :due where state = 'waiting' and join_key = :joinKey"),
	hasJoined: db.prepare('select 1 from event where join_key = :joinKey and id > :newest limit 1'),
	know: db.prepare('insert into original (what, at) values (:what, :at) on conflict do nothing'),
	isKnown: db.prepare('select 1 from original where what = :what'),
	report: db.prepare(`
		insert into report (id, time, fingerprint, container, instance, status, is_lost, is_start_up, changed, body)
		values (:id, :time, :fingerprint, :container, :instance, :status, :isLost, :isStartUp, :changed, :body)
		on conflict (id) do update set time = :time, fingerprint = :fingerprint, container = :container, instance = :instance,
			status = :status, is_lost = :isLost, is_start_up = :isStartUp, changed = :changed, body = :body`),
	keep: db.prepare(`
		insert into kept (id, series, fingerprint, worth, found_at, location, size_bytes)
		values (:id, :series, :fingerprint, :worth, :foundAt, :location, :sizeBytes)
		on conflict (id) do update set series = :series, fingerprint = :fingerprint, worth = :worth, found_at = :foundAt, location = :location,
			size_bytes = :sizeBytes`),
	letGo: db.prepare('delete from kept where id = :id'),
	nameOnce: db.prepare('update report set stored_name = coalesce(stored_name, :name) where id = :id returning stored_name as name'),
	nextChange: db.prepare(`
		insert into bookmark (name, value) values ('changes', '1') on conflict (name) do update set value = cast(value as integer) + 1
		returning cast(value as integer) as change`),
	bookmark: db.prepare('insert into bookmark (name, value) values (:name, :value) on conflict (name) do update set value = :value'),
	// What is due further ahead than any delay was set by a clock that has jumped back since.
	claim: db.prepare(`
		update work set state = 'claimed'
		where stage = :stage and event = (
			select event from work where stage = :stage and state in ('ready', 'waiting') and (due <= :now or due > :now + :longest) order by due, event limit 1)
		returning event as id, retries, failures, deaths,
			(select at from event where id = event) as at, (select kind from event where id = event) as kind, (select key from event where id = event) as key,
			(select revision from event where id = event) as revision, (select body from event where id = event) as body, (select max(id) from event) as newest`),
	settle: db.prepare(`
		update work set state = :state, due = :due, join_key = :joinKey, reason = :reason, retries = retries + :retry, failures = failures + :failure
		where event = :id and stage = :stage and state = 'claimed'`),
	hurry: db.prepare(`
		update work set due = :now
		where stage in (select value from json_each(:stages)) and state = 'ready' and retries > 0 and due > :now`),
	dead: db.prepare(`
		select event as id, stage, retries, failures, deaths, kind, key, revision, body, at, 0 as newest from work join event on event.id = work.event
		where state = 'claimed' and deaths >= :most and (stage not in (select value from json_each(:patient)) or at < :tooOld)`),
	killers: db.prepare("select event, stage, deaths from work where state = 'claimed' and deaths >= :most"),
	putOff: db.prepare('update work set due = :due where event = :event and stage = :stage'),
	revive: db.prepare("update work set state = 'ready', deaths = deaths + 1 where state = 'claimed'"),
	orphan: db.prepare(`
		update work set state = 'rejected', due = :due, reason = 'this version has no stage ' || stage
		where state in ('ready', 'waiting') and stage not in (select value from json_each(:stages))
		returning stage, (select key from event where id = event) as key, reason`),
	nextDue: db.prepare("select min(due) as due from work where stage = :stage and state in ('ready', 'waiting')"),
	pruneWork: db.prepare("delete from work where state in ('done', 'rejected') and event in (select id from event where at < :before)"),
	pruneBodies: db.prepare('update event set body = null where at < :before and body is not null and id not in (select event from work)'),
	pruneReports: db.prepare(`
		delete from report where id not in (select key from event where body is not null)
			and not (:keepsStored and id in (select id from kept where location is not null))`),
});
