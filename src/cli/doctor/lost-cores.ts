import { originOf } from '../../readers/corename/corename.ts';
import { adviceFor, type JournaldEntry, type Loss, lossOf } from '../../readers/journald/journald.ts';

/** Cores that were lost for one reason. */
export type LostCores = {
	readonly count: number;
	/** When the last of them was. */
	readonly lastMs: number;
	/** Of the last of them. */
	readonly loss: Loss;
};

/** Of a core that systemd removed later the agent has a copy. */
const earlyMs = 3_600_000;

type Found = { cause: string; readonly loss: Loss; readonly atMs: number };

/** Which cores the host's journal tells were lost, by their causes; that with the most comes first. */
export function lostCores(entries: readonly JournaldEntry[], node: { readonly corePipeLimit?: number | undefined } = {}): LostCores[] {
	/** What the notes of the unit that took a crash say, and what its entry says. */
	const noted = new Map<string, Found>();
	const recorded = new Map<string, Found | undefined>();
	const others: Found[] = [];
	for (const entry of entries) {
		const { bootId, recordedAtMs: atMs } = entry;
		if (entry.is === 'note') {
			const loss = adviceFor(entry.note, node);
			if (!loss || (entry.note.is === 'removed' && !isEarly(entry.note.file, atMs))) continue;
			const found = { cause: entry.note.is, loss, atMs };
			if ('handler' in entry.note) noted.set(`${bootId}/${entry.note.handler}`, found);
			else others.push(found);
		} else if (entry.is === 'coredump') {
			const { core, handler } = entry.coredump;
			const loss = lossOf(entry.coredump);
			recorded.set(`${bootId}/${handler}`, loss && { cause: core.is === 'file' ? 'cut' : core.is, loss, atMs });
		}
	}
	const handled = [...new Set([...noted.keys(), ...recorded.keys()])].flatMap((handler) => {
		// Of a core that was stored whole nothing is lost, whatever happened to the unit afterwards.
		if (recorded.has(handler) && recorded.get(handler) === undefined) return [];
		return noted.get(handler) ?? recorded.get(handler) ?? [];
	});
	const byCause = Map.groupBy([...handled, ...others], ({ cause }) => cause);
	return [...byCause.values()].map(summary).sort((a, b) => b.count - a.count);
}

const isEarly = (file: string, removedAtMs: number) => removedAtMs - (originOf(file).timeMs ?? 0) < earlyMs;

function summary(found: readonly Found[]): LostCores {
	const last = found.reduce((latest, one) => (one.atMs > latest.atMs ? one : latest));
	return { count: found.length, lastMs: last.atMs, loss: last.loss };
}
