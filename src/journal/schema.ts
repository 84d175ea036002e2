/**
 * The layout, step by step from an empty file: the version of a file is how many of these were run on it. A step is never changed once released.
 *
 * `event` is what happened; its body goes when it is pruned, its key stays.
 * `work` is what one stage has still to do about it: ready → claimed → done or rejected; or back to ready later; or waiting, until it is due
 * or a partner with the join key arrives.
 * `original` are files that were reported. `report` is what all events of one crash fold to.
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
] as const;

/** The layout that this version writes. */
export const version: number = migrations.length;
