import { formatBytes } from '../../base/quantity.ts';
import type { Event } from '../../domain/events.ts';
import type { KeptCore, KeptSum } from '../../domain/history.ts';
import type { Excess } from '../../domain/report.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { sidecarOf } from './name.ts';
import { dispensable } from './retention-policy.ts';
import type { Room } from './room.ts';

/** What the journal knows of the store. */
export type Kept = {
	/** All cores that are stored below a folder, in sum. */
	sum(): Promise<KeptSum>;
	cores(): Promise<readonly KeptCore[]>;
	/** Whether what was decided to go has not gone yet. */
	isErasing(): Promise<boolean>;
	append(...events: readonly Event[]): Promise<unknown>;
};

export type RetentionOptions = {
	/** The folder of the store. */
	readonly root: string;
	/** 0: for ever. */
	readonly days: number;
	readonly maxBytes: number;
};

type Deps = {
	readonly kept: Kept;
	/** What is free on the disk, and what must be. */
	readonly space: () => Promise<{ readonly freeBytes: number; readonly leastBytes: number }>;
	readonly room: Room;
	readonly options: RetentionOptions;
	readonly isPinned?: (id: string) => boolean;
	readonly now?: () => EpochMs;
};

/** Whole transactions, but none for long. */
const batchSize = 50;
const dayMs = 24 * 3600_000;

/**
 * Lets go of what is too much in the store of this machine. It decides, in the journal, and the eraser carries it out: from then on the report says
 * that the core is gone, and no death of the process can leave it half there.
 *
 * @returns a pass; @throws what `space` throws
 */
export function retention({ kept, space, room, options: { root, days, maxBytes }, isPinned, now = Date.now }: Deps): () => Promise<void> {
	const keepMs = days === 0 ? Number.POSITIVE_INFINITY : days * dayMs;

	return async () => {
		const missingBytes = await missing();
		const { sizeBytes, oldest } = await kept.sum();
		if (missingBytes === 0 && sizeBytes <= maxBytes && now() - (oldest ?? now()) <= keepMs) return;
		const gone = dispensable(await kept.cores(), { keepMs, maxBytes, missingBytes }, now(), isPinned);
		for (let at = 0; at < gone.length; at += batchSize) {
			await kept.append(...gone.slice(at, at + batchSize).map(({ core, why }) => deletionOf(core, why)));
		}
	};

	async function missing(): Promise<number> {
		const { freeBytes, leastBytes } = await space();
		const bytes = leastBytes + room.wantedBytes() - freeBytes;
		// What is on its way out is not free yet, and must not be asked for twice.
		return bytes <= 0 || (await kept.isErasing()) ? 0 : bytes;
	}

	function deletionOf({ id, location, sizeBytes }: KeptCore, why: Excess): Event<'DeletionEvent'> {
		const name = location.slice(root.length + 1);
		const time = new Date(now()).toISOString();
		return { kind: 'DeletionEvent', key: id, body: { time, files: [name, sidecarOf(name)], sizeBytes, why, reason: reasonOf(why) } };
	}

	function reasonOf(why: Excess): string {
		switch (why) {
			case 'age':
				return `deleted after ${days} days (storage.retentionDays)`;
			case 'size':
				return `deleted as worth least: all together were more than ${formatBytes(maxBytes)} (storage.maxStorageSize)`;
			case 'space':
				return 'deleted as worth least: the disk had too little room (storage.minFreeSpace)';
			default:
				return why satisfies never;
		}
	}
}
