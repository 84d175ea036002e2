import { formatBytes } from '../../base/quantity.ts';
import type { Space } from '../../domain/backend.ts';
import type { KeptSum, Merit } from '../../domain/history.ts';
import type { Excess } from '../../domain/report.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { dispensable, type Going, type HeldCore, isTooMuch, tooOld } from './retention-policy.ts';
import type { Room } from './room.ts';

/** What a store holds, and how it lets go of it. */
export type Holdings<C extends HeldCore> = {
	/** All in sum, where that is known for less. */
	sum?(): Promise<KeptSum>;
	cores(): Promise<readonly C[]>;
	/** What they are worth; nobody asks for it before there is something to choose. */
	judged(cores: readonly C[]): Promise<readonly (C & Merit)[]>;
	/** The ids of those among them that must stay. */
	pinned(cores: readonly C[]): Promise<ReadonlySet<string>>;
	/** Whether what was decided to go has not gone yet. */
	isErasing(): Promise<boolean>;
	erase(gone: readonly Deletion<C>[]): Promise<void>;
};

export type Deletion<C extends HeldCore = HeldCore> = {
	readonly core: C;
	readonly time: string;
	readonly why: Excess;
	/** In words. */
	readonly reason: string;
};

export type RetentionOptions = {
	/** 0: for ever. */
	readonly days: number;
	readonly maxBytes: number;
	/** 0: as much as all. */
	readonly maxInstanceBytes: number;
};

type Deps<C extends HeldCore> = {
	readonly holdings: Holdings<C>;
	readonly space: () => Promise<Space | undefined>;
	readonly room?: Pick<Room, 'wantedBytes'>;
	readonly options: RetentionOptions;
	readonly now?: () => EpochMs;
};

/** Whole transactions, but none for long. */
const batchSize = 50;
const dayMs = 24 * 3600_000;

/**
 * Lets go of what is too much in a store.
 *
 * @returns a pass; @throws what `space` and `holdings` throw
 */
export function retention<C extends HeldCore>({ holdings, space, room, options, now = Date.now }: Deps<C>): () => Promise<void> {
	const { days, maxBytes, maxInstanceBytes } = options;
	const orUnlimited = (limit: number) => (limit === 0 ? Number.POSITIVE_INFINITY : limit);
	const kept = { keepMs: orUnlimited(days * dayMs), maxBytes, maxInstanceBytes: orUnlimited(maxInstanceBytes) };

	return async () => {
		const limits = { ...kept, missingBytes: await missing() };
		if (limits.missingBytes === 0 && maxInstanceBytes === 0 && holdings.sum) {
			const { sizeBytes, oldest } = await holdings.sum();
			if (sizeBytes <= maxBytes && now() - (oldest ?? now()) <= limits.keepMs) return;
		}
		const cores = await holdings.cores();
		const old = tooOld(cores, limits, now());
		if (old.length === 0 && !isTooMuch(cores, old, limits)) return;
		const pinned = await holdings.pinned(cores);
		await erase(await chosen(cores, limits, (id) => pinned.has(id)));
	};

	async function missing(): Promise<number> {
		const { freeBytes = 0, leastBytes = 0 } = (await space()) ?? {};
		const bytes = leastBytes + (room?.wantedBytes() ?? 0) - freeBytes;
		// What is on its way out is not free yet, and must not be asked for twice.
		return bytes <= 0 || (await holdings.isErasing()) ? 0 : bytes;
	}

	async function chosen(
		cores: readonly C[],
		limits: Parameters<typeof tooOld>[1],
		isPinned: (id: string) => boolean,
	): Promise<readonly Going<C>[]> {
		const old = tooOld(cores, limits, now(), isPinned);
		return isTooMuch(cores, old, limits) ? dispensable(await holdings.judged(cores), limits, now(), isPinned) : old;
	}

	async function erase(gone: readonly Going<C>[]): Promise<void> {
		for (let at = 0; at < gone.length; at += batchSize) {
			const time = new Date(now()).toISOString();
			await holdings.erase(gone.slice(at, at + batchSize).map(({ core, why }) => ({ core, why, time, reason: reasonOf(why) })));
		}
	}

	function reasonOf(why: Excess): string {
		switch (why) {
			case 'age':
				return `deleted after ${days} days (storage.retentionDays)`;
			case 'size':
				return `deleted as worth least: all together were more than ${formatBytes(maxBytes)} (storage.maxStorageSize)`;
			case 'quota':
				return `deleted as worth least of its instance, which had more than ${formatBytes(maxInstanceBytes)} (storage.maxInstanceSize)`;
			case 'space':
				return 'deleted as worth least: the disk had too little room (storage.minFreeSpace)';
			default:
				return why satisfies never;
		}
	}
}
