import { type Kept, noticeDeletions, ownStore, retention } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import { isBackendError } from '../domain/backend.ts';
import type { Intake } from '../domain/intake.ts';
import type { Journal } from '../journal/journal.ts';
import { pause } from './pause.ts';
import type { Pieces } from './pieces.ts';
import type { Steadily } from './steadily.ts';

type Means = { readonly journal: Journal; readonly intake: Intake; readonly steadily: Steadily };

const intervalMs = 10_000;
/** A round through the cores that were stored elsewhere than here takes so long. */
const roundMs = 3600_000;
const leastPaceMs = 1_000;

export const limitsOf = ({ storage: { retentionDays: days, maxStorageSize: maxBytes, maxInstanceSize: maxInstanceBytes } }: Config) => ({
	days,
	maxBytes,
	maxInstanceBytes,
});

/** Holds the local store to its limits until the signal. A store that others share is cleared for all of them; here it is told what went. */
export async function holdToLimits(
	{ config, backend, room }: Pieces,
	{ journal, intake, steadily }: Means,
	signal: AbortSignal,
): Promise<void> {
	const kept: Kept = {
		sum: async (place) => (await steadily(() => journal.view.keptSum(place))) ?? { sizeBytes: 0 },
		cores: async (place) => (await steadily(() => journal.view.keptCores(place))) ?? [],
		isErasing: async () => (await steadily(() => journal.view.hasWork('eraser'))) ?? true,
		append: intake.append,
	};
	if (backend.kind === 'local') {
		const holdings = ownStore(backend, kept, signal);
		const pass = retention({ holdings, space: () => backend.space(signal), room, options: limitsOf(config) });
		await again(pass, intervalMs, signal);
	} else {
		let isFirst = true; // what went while no agent was here is told soon
		const pace = (cores: number) => pause(isFirst ? leastPaceMs : Math.max(leastPaceMs, roundMs / cores), signal);
		const round = noticeDeletions(backend, kept, pace, signal);
		await again(() => round().finally(() => (isFirst = false)), leastPaceMs, signal);
	}
}

/** Until the signal. What keeps it from the store, the health of the storage tells. */
async function again(pass: () => Promise<void>, pauseMs: number, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		try {
			await pass();
		} catch (error) {
			if (!(isBackendError(error) || signal.aborted)) throw error;
		}
		await pause(pauseMs, signal);
	}
}
