import type { EpochMs } from '../../domain/stage.ts';

/** How much room is wanted at first. Each try that finds too little wants twice as much: how small a core becomes is not known before it is packed. */
const firstBytes = 256 << 20;
/** Who has not tried for so long wants nothing any more: tries are no more than minutes apart. */
const forgetMs = 15 * 60_000;

export type Room = ReturnType<typeof createRoom>;

/** What room the cores want that could not be stored for lack of it: told by who stores them, asked by who makes room. */
export function createRoom(now: () => EpochMs = Date.now) {
	const wanting = new Map<string, { readonly bytes: number; readonly at: EpochMs }>();
	return {
		/** @param mostBytes more than that it can't take */
		lacks(id: string, mostBytes: number): void {
			const { bytes = 0 } = wanting.get(id) ?? {};
			wanting.set(id, { bytes: Math.min(mostBytes, Math.max(firstBytes, 2 * bytes)), at: now() });
		},
		forget: (id: string): void => void wanting.delete(id),
		/** What the largest of them wants. */
		wantedBytes(): number {
			for (const [id, { at }] of wanting) if (now() - at > forgetMs) wanting.delete(id);
			return Math.max(0, ...[...wanting.values()].map(({ bytes }) => bytes));
		},
	};
}
