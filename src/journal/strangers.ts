import type { DatabaseSync } from 'node:sqlite';

/** A guest may wait so long until it is noticed; to look takes some microseconds. */
const intervalMs = 1_000;

/** Tells when another process has written to a database: https://sqlite.org/pragma.html#pragma_data_version */
export function watchStrangers(db: DatabaseSync, onWritten: () => void): Disposable {
	const version = db.prepare('pragma data_version');
	let seen = version.get()?.data_version;
	const timer = setInterval(() => {
		try {
			const found = version.get()?.data_version;
			if (found === seen) return;
			seen = found;
		} catch {
			return; // whoever works with it comes upon that too
		}
		onWritten();
	}, intervalMs).unref();
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
