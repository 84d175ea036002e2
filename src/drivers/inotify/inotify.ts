import { type FSWatcher, watch } from 'node:fs';
import { fileNameText } from '../../base/filename.ts';

/** Many events of one file come in a row: they are answered together. */
const usualGatherMs = 100;

/**
 * Names in a folder that something happened to, by inotify(7). It is a hint only: where it can't watch, or the folder was replaced,
 * nothing comes until it is renewed, and the caller's own rescan finds the files.
 */
export function folderWatch(directory: string, gatherMs = usualGatherMs) {
	let watcher: FSWatcher | undefined;
	let touched = new Set<string>();
	let wake = () => {};

	function renew(): void {
		watcher?.close();
		try {
			watcher = watch(directory, { encoding: 'buffer', persistent: false }, (_event, name) => {
				if (name === null) return;
				touched.add(fileNameText(name));
				wake();
			});
			watcher.on('error', () => watcher?.close()); // the rescan goes on without it
		} catch {
			watcher = undefined; // not there, or no inotify left: the rescan says so, or finds the files
		}
	}

	renew();
	return {
		/** Watches anew: the folder may be another by now. */
		renew,
		/** The names since the last call. */
		take(): string[] {
			const names = [...touched];
			touched = new Set();
			return names;
		},
		/** Resolves soon after something happened, or after so long, or at the signal. */
		async wait(mostMs: number, signal: AbortSignal): Promise<void> {
			if (signal.aborted) return;
			const { promise, resolve } = Promise.withResolvers<void>();
			const end = () => resolve();
			const timer = setTimeout(end, Math.max(0, mostMs));
			wake = () => {
				wake = () => {};
				setTimeout(end, gatherMs);
			};
			if (touched.size > 0) wake();
			signal.addEventListener('abort', end);
			await promise;
			signal.removeEventListener('abort', end);
			clearTimeout(timer);
			wake = () => {};
		},
		[Symbol.dispose]: () => watcher?.close(),
	};
}
