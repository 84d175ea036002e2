import { hostname } from 'node:os';
import { storeOf } from '../agent/agent.ts';
import { printable } from '../base/printable.ts';
import { DamagedError, deletionNote } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import { type Backend, isSafeName, NotStored } from '../domain/backend.ts';
import type { CrashReport } from '../domain/report.ts';
import { isStoredIn, type StoredCore, storedFile } from '../domain/stored-file.ts';
import { FailedError, UserError } from './errors.ts';

/** The store that the configuration names, for a command. */
export const openStore = (config: Config): Backend => storeOf(config, hostname(), { storeGrew() {} });

/** The core of a crash that was stored. @throws {UserError} none was */
export function storedCoreOf({ id, status, storage }: CrashReport): StoredCore {
	if (!storage) throw new UserError(`the core of crash ${id} is not stored yet: its report is ${status}`);
	if (storage.form === 'none') throw new UserError(`the core of crash ${id} is not stored: ${printable(storage.reason)}`);
	if (!isSafeName(storedFile(storage)))
		throw new UserError(
			`what the report of crash ${id} has for the place of its core is no name in a store: ${printable(storage.location)}`,
		);
	return storage;
}

/** What went wrong with a core in its store, in words of which core it is, and of what became of it. */
export async function explained(
	store: Backend,
	{ id, association }: CrashReport,
	core: StoredCore,
	error: unknown,
	signal: AbortSignal,
): Promise<unknown> {
	const { location } = core;
	if (error instanceof DamagedError) return new FailedError(`the stored core of crash ${id} is damaged: ${error.message} (${location})`);
	if (!(error instanceof NotStored)) return error;
	const deletion = await deletionNote(store, storedFile(core), signal).catch(() => undefined); // what went wrong before is what is told
	if (deletion) return new FailedError(`the core of crash ${id} was ${deletion.reason} at ${deletion.time} (${location})`);
	const { node } = association;
	const how = `stored ${node === undefined ? '' : `by the agent of node ${printable(node)} `}as ${printable(location)}`;
	return new FailedError(
		isStoredIn(store.place, core)
			? `the core of crash ${id} is not there any more: ${error.message}; it was ${how}`
			: `the core of crash ${id} is in another store than the one that is configured here: it was ${how}; give the --config with which it can be read`,
	);
}
