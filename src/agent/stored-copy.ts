import { isAbsolute, join } from 'node:path';
import { codeOf } from '../base/errors.ts';
import { formatBytes } from '../base/quantity.ts';
import type { StoredCopy } from '../components/analyzer/analyzer.ts';
import { examine } from '../components/collector/collector.ts';
import { DamagedError, retrieve } from '../components/storage/storage.ts';
import { type Backend, ContentLost, isSafeName, NotStored } from '../domain/backend.ts';
import type { Core } from '../domain/report.ts';
import type { Reports } from '../domain/reports.ts';
import { type StoredCore, storedCore, storedFile } from '../domain/stored-file.ts';

/** Finds the stored core of a crash: where it lies, if that is on this machine, else brought from its store. */
export const storedCopyFrom =
	(backend: Backend, reports: Reports): StoredCopy =>
	async (id, folder, { mostBytes, signal }) => {
		const report = reports.report(id);
		const stored = report && storedCore(report);
		if (!stored) return undefined;
		// A mount that does not answer would hold the agent; the store has its limits.
		if (backend.kind !== 'nfs' && isAbsolute(stored.location)) return coreAt(stored.location, stored);
		if (stored.sizeBytes > mostBytes)
			throw new ContentLost(
				`what is stored of the core, ${formatBytes(stored.sizeBytes)}, is more than analyzer.scratchSize: get it by fetch, and use analyze`,
			);
		if (!isSafeName(storedFile(stored))) throw new ContentLost('the place of the stored core is no name in a store');
		const path = join(await folder(), 'stored');
		try {
			await retrieve(backend, stored, path, signal);
		} catch (cause) {
			if (!(cause instanceof NotStored || cause instanceof DamagedError)) throw cause;
			throw new ContentLost(`the stored core is ${cause instanceof DamagedError ? 'damaged' : 'gone'}: ${cause.message}`, { cause });
		}
		return coreAt(path, stored);
	};

async function coreAt(path: string, { location }: StoredCore): Promise<Core> {
	try {
		return (await examine(path, { now: Date.now() })).event.body.core;
	} catch (cause) {
		if (codeOf(cause) !== 'ENOENT') throw cause;
		throw new ContentLost(`the core is gone, and what was stored of it too (${location})`, { cause });
	}
}
