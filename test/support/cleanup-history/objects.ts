import type { Decision } from '../../../src/components/cleaner/decide.ts';
import type { Stored } from '../../../src/components/cleaner/stored.ts';
import { storedCleanup } from '../stored-cleanup.ts';
import type { Log } from './log.ts';

export type Kept = Stored & { readonly why: string };
export type Objects = ReturnType<typeof objects>;

/** The API server: it lets nobody overwrite what he has not seen. */
export function objects(log: Log, { checksVersion }: { readonly checksVersion: boolean }) {
	const all = new Map<string, Kept>();
	let version = 0;

	function put(by: string, before: Kept | undefined, target: string, decision: Decision, why: string): Kept {
		version++;
		const after = { ...storedCleanup(decision, target, { uid: before?.uid ?? `${target}-${version}`, version }), why };
		all.set(target, after);
		log({ is: 'write', by, uid: target, before, after });
		return after;
	}

	/** What is written in place of what was seen; undefined where it is not that any more. */
	function now(seen: Kept): Kept | undefined {
		const found = all.get(seen.spec.target.uid);
		return checksVersion && found?.resourceVersion !== seen.resourceVersion ? undefined : found;
	}

	return {
		list: (): readonly Kept[] => [...all.values()],
		create: (by: string, target: string, decision: Decision, why: string): Kept | undefined =>
			all.has(target) ? undefined : put(by, undefined, target, decision, why),
		write(by: string, seen: Kept, decision: Decision, why: string): Kept | undefined {
			const before = now(seen);
			return before && put(by, before, seen.spec.target.uid, decision, why);
		},
		forget(by: string, seen: Kept): void {
			const before = now(seen);
			const { uid } = seen.spec.target;
			if (before && all.delete(uid)) log({ is: 'write', by, uid, before, after: undefined });
		},
	};
}
