/**
 * The layout, step by step from an empty file: the version of a file is how many of these were run on it. A step is never changed once released.
 *
 * `event` is what happened, once for each revision of what its key says it is about; its body goes when it is pruned, its key stays.
 * `work` is what one stage has still to do about it: ready → claimed → done or rejected; or back to ready later; or waiting, until it is due
 * or a partner with the join key arrives.
 * `original` are files that were reported. `report` is what all events of one crash fold to; `container` is the pod's UID and
 * the container's name, where they are known, `instance` its instance and component. `bookmark` says how far something outside has been
 * read.
 *
 * `changed` numbers the changes of all reports. Once a crash has been analysed, it has its `ordinal` in a `family` of crashes that are alike, which
 * `opened` at a time, and a `head`: the report in which it is published; `published` is the change of a head that has been.
 *
 * `stored_name` is the name under which its core is stored, or was tried to be.
 *
 * `kept` are the cores that are stored, and without `location` those that went to make room: of which `series`, and what they are worth.
 */
export const migrations = [
	`
	create table event (
		id integer primary key,
		kind text not null,
		key text not null,
		join_key text,
		body text,
		at integer not null,
		unique (kind, key)
	) strict;
	create index event_join on event (join_key, id) where join_key is not null;
	create table work (
		event integer not null references event,
		stage text not null,
		state text not null default 'ready' check (state in ('ready', 'claimed', 'waiting', 'done', 'rejected')),
		due integer not null,
		join_key text,
		retries integer not null default 0,
		failures integer not null default 0,
		deaths integer not null default 0,
		reason text,
		primary key (event, stage)
	) strict, without rowid;
	create index work_due on work (stage, due) where state in ('ready', 'waiting');
	create index work_join on work (join_key) where state = 'waiting';
	create table original (what text primary key, at integer not null) strict, without rowid;
	create table report (
		id text primary key,
		time integer not null,
		fingerprint text,
		body text not null
	) strict;
	create index report_time on report (time);
	create index report_fingerprint on report (fingerprint, time);
	`,
	`
	create table event_with_revision (
		id integer primary key,
		kind text not null,
		key text not null,
		revision integer not null default 1,
		join_key text,
		body text,
		at integer not null,
		unique (kind, key, revision)
	) strict;
	insert into event_with_revision (id, kind, key, join_key, body, at) select id, kind, key, join_key, body, at from event;
	drop table event;
	alter table event_with_revision rename to event;
	create index event_join on event (join_key, id) where join_key is not null;
	create index event_kind on event (kind, at);
	alter table report add column container text;
	create index report_container on report (container, time) where container is not null;
	alter table report add column instance text;
	alter table report add column status text not null default 'found';
	alter table report add column is_lost integer not null default 0;
	alter table report add column is_start_up integer not null default 0;
	alter table report add column changed integer not null default 0;
	alter table report add column published integer not null default 0;
	alter table report add column family text;
	alter table report add column opened integer;
	alter table report add column ordinal integer;
	alter table report add column head text;
	create index report_instance on report (instance, time) where instance is not null;
	create index report_changed on report (changed);
	create index report_unpublished on report (changed) where head = id and changed > published;
	create index report_family on report (family, opened, ordinal) where family is not null;
	create index report_head on report (head, time) where head is not null;
	update report set status = body ->> '$.status', is_lost = body ->> '$.status' = 'lost';
	update report set body = json_set(body, '$.restart', json('null'), '$.lostCore', json('null'));
	create table bookmark (name text primary key, value text not null) strict, without rowid;
	`,
	`
	create table kept (
		id text primary key references report on delete cascade,
		series text,
		fingerprint text,
		worth real not null,
		found_at integer not null,
		location text,
		size_bytes integer not null
	) strict, without rowid;
	create index kept_series on kept (series, worth) where series is not null;
	insert into kept (id, fingerprint, worth, found_at, location, size_bytes)
		select id, fingerprint, coalesce(body ->> '$.score.total', 4), unixepoch(body ->> '$.foundAt') * 1000,
			body ->> '$.storage.location', body ->> '$.storage.sizeBytes'
		from report where body ->> '$.storage.form' = 'full';
	`,
	'alter table report add column stored_name text',
	"update report set body = json_set(body, '$.opinion', json('null'))",
] as const;

/** The layout that this version writes. */
export const version: number = migrations.length;
