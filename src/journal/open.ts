import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf, messageOf } from '../base/errors.ts';
import { makeFolderSync } from '../base/folder.ts';
import { migrations, version } from './schema.ts';

/** The journal can't be used; the message says why, in one line. */
export class JournalError extends Error {
	override readonly name = 'JournalError';
}

/** An agent runs that has the journal for itself. */
export class JournalInUse extends JournalError {}

/** The disk is full or fails, or another process has the file in hand: it may be better later. What was asked for was not done. */
export class JournalUnavailable extends Error {
	override readonly name = 'JournalUnavailable';
}

/** For how long another process may have the file in hand: it only reads, or copies its log. */
const patienceMs = 5_000;
/** For how long somebody may look whether there is an owner. */
const glanceMs = 250;

export type Owned = { readonly db: DatabaseSync; readonly lock: DatabaseSync };

/** Opens the database for the one process that runs the pipeline, and makes it if need be. The lock lasts as long as the process. */
export function openOwned(path: string): Owned {
	try {
		makeFolderSync(dirname(path));
	} catch (cause) {
		throw new JournalError(`the folder of the journal ${path} can't be made: ${messageOf(cause)}; set journal.path`, { cause });
	}
	const lock = open(`${path}.owner`, path, glanceMs);
	try {
		lock.exec('begin exclusive');
	} catch (cause) {
		lock.close();
		if (isBusy(cause)) throw new JournalInUse(`another agent is using the journal ${path}`, { cause });
		throw unusable(path, cause);
	}
	let db: DatabaseSync | undefined;
	try {
		db = open(path, path, patienceMs);
		db.exec('pragma journal_mode = wal; pragma synchronous = full;');
		migrate(db, path);
		db.exec('pragma foreign_keys = on');
		return { db, lock };
	} catch (cause) {
		db?.close();
		lock.close();
		throw cause instanceof JournalError ? cause : unusable(path, cause);
	}
}

/** Opens the database beside a running agent, to look only. */
export function openToRead(path: string): DatabaseSync {
	return openThere(path, true);
}

/** Opens the database beside a running agent, to append to it. It stays as it is laid out. */
export function openBeside(path: string): DatabaseSync {
	const db = openThere(path, false);
	db.exec('pragma synchronous = full; pragma foreign_keys = on');
	return db;
}

/** Whether an agent runs that has the journal for itself. It must be there. */
export function isOwned(path: string): boolean {
	const file = `${path}.owner`;
	if (statSync(file, { throwIfNoEntry: false }) === undefined) return false;
	const lock = open(file, path, 0);
	try {
		lock.exec('begin exclusive');
		return false;
	} catch (cause) {
		if (isBusy(cause)) return true;
		throw unusable(path, cause);
	} finally {
		lock.close();
	}
}

function openThere(path: string, readOnly: boolean): DatabaseSync {
	if (!isFile(path, readOnly))
		throw new JournalError(
			`there is no journal ${path}: no agent has run with this configuration yet; if one runs with another, give its --config, or its XDG_STATE_HOME`,
		);
	let db: DatabaseSync | undefined;
	try {
		db = new DatabaseSync(path, { readOnly, timeout: patienceMs });
		expectVersion(db, path);
		return db;
	} catch (cause) {
		db?.close();
		throw cause instanceof JournalError ? cause : unusable(path, cause);
	}
}

/** @throws {JournalError} the database is laid out for another version */
export function expectVersion(db: DatabaseSync, path: string): void {
	const found = versionOf(db);
	if (found > version) throw newer(path, found);
	if (found < version)
		throw new JournalError(
			`the journal ${path} was written by an older version (layout ${found}, this one reads ${version}): start the agent once, which brings it up to date`,
		);
}

function isFile(path: string, readOnly: boolean): boolean {
	try {
		if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
		accessSync(path, readOnly ? constants.R_OK : constants.R_OK | constants.W_OK);
		return true;
	} catch (cause) {
		if (codeOf(cause) === 'EACCES')
			throw new JournalError(
				`the journal ${path} may not be ${readOnly ? 'read' : 'written to'} by uid ${process.getuid?.()}: run this as the user of the agent, or as root`,
				{ cause },
			);
		throw unusable(path, cause);
	}
}

function open(file: string, path: string, timeout: number): DatabaseSync {
	try {
		return new DatabaseSync(file, { timeout });
	} catch (cause) {
		throw unusable(path, cause);
	}
}

function migrate(db: DatabaseSync, path: string): void {
	const found = versionOf(db);
	if (found > version) throw newer(path, found);
	db.exec('pragma foreign_keys = off'); // a table that others refer to may be made anew
	for (const [index, migration] of migrations.entries()) {
		if (index >= found) db.exec(`begin; ${migration}; pragma user_version = ${index + 1}; commit;`);
	}
}

const versionOf = (db: DatabaseSync) => (db.prepare('pragma user_version').get() as { user_version: number }).user_version;

const newer = (path: string, found: number) =>
	new JournalError(`the journal ${path} was written by a newer version (layout ${found}, this one knows ${version}): install that version`);

export const unusable = (path: string, cause: unknown) =>
	new JournalError(`the journal ${path} can't be used: ${messageOf(cause)}; set journal.path`, { cause });

/** What may pass by itself: https://sqlite.org/rescode.html; the lowest byte tells the kind. */
const outsideFaults = { busy: 5, readOnly: 8, input: 10, full: 13, canNotOpen: 14 } as const;

const faultOf = (error: unknown) => (error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined);

const isBusy = (error: unknown) => faultOf(error) === outsideFaults.busy;

/** Does something with an open journal. @throws {JournalUnavailable} */
export function withJournal<T>(path: string, step: () => T): T {
	try {
		return step();
	} catch (cause) {
		if (!Object.values<unknown>(outsideFaults).includes(faultOf(cause))) throw cause;
		throw new JournalUnavailable(`the journal ${path} can't be used now: ${messageOf(cause)} (journal.path)`, { cause });
	}
}

/** The functions, each of which may throw {JournalUnavailable}. */
export function withJournalEach<T extends object>(path: string, functions: T): T {
	const guarded = Object.entries(functions).map(([name, step]) => [name, (...given: unknown[]) => withJournal(path, () => step(...given))]);
	return Object.fromEntries(guarded) as T;
}
