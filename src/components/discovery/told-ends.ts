import type { Pod } from '../../domain/pod.ts';
import { type End, type Told, toldOf } from './ends.ts';

/** Keeps something small over restarts of the agent. */
export type Bookmark = { read(): string | undefined; write(value: string): Promise<void> };

/** Remembers which ends were told of, also over restarts of the agent; what was told just before one may be told again. */
export function toldEnds(bookmark: Bookmark) {
	/** By pod and container. */
	const told = new Map<string, Told>(Object.entries(JSON.parse(bookmark.read() ?? '{}')));
	const keyOf = (podUid: string, container: string) => `${podUid}/${container}`;
	let hasChanged = false;

	return {
		/** @returns undefined for a container that was never looked at */
		of: (podUid: string, container: string): Told | undefined => told.get(keyOf(podUid, container)),
		/** All ends up to this one. */
		add(podUid: string, end: End): void {
			told.set(keyOf(podUid, end.container.name), toldOf(end));
			hasChanged = true;
		},
		/**
		 * Durable when it returns. A container that is seen for the first time, without an end, is known from here on: what comes next tells how
		 * many were missed.
		 */
		async remember({ uid, containers }: Pod): Promise<void> {
			for (const { name, restartCount } of containers) {
				if (told.has(keyOf(uid, name))) continue;
				told.set(keyOf(uid, name), { restartCount });
				hasChanged = true;
			}
			if (!hasChanged) return;
			hasChanged = false;
			await bookmark.write(JSON.stringify(Object.fromEntries(told)));
		},
		/** Of the pods that are there no more nothing needs to be known. */
		keepOnly(isThere: (podUid: string) => boolean): void {
			for (const key of told.keys()) if (!isThere(key.slice(0, key.indexOf('/')))) told.delete(key);
		},
	};
}
