import { retention } from '../components/storage/storage.ts';
import { isBackendError } from '../domain/backend.ts';
import type { Intake } from '../domain/intake.ts';
import { spaceOf } from '../drivers/local/local.ts';
import type { Journal } from '../journal/journal.ts';
import { pause } from './pause.ts';
import type { Pieces } from './pieces.ts';
import type { Steadily } from './steadily.ts';

type Means = { readonly journal: Journal; readonly intake: Intake; readonly steadily: Steadily };

const intervalMs = 10_000;

/** Holds the local store to its limits until the signal. A store that others share is not this agent's to clear. */
export async function holdToLimits(
	{ config, backend, room }: Pieces,
	{ journal, intake, steadily }: Means,
	signal: AbortSignal,
): Promise<void> {
	if (backend.kind !== 'local') return;
	const { localPath: root, retentionDays: days, maxStorageSize: maxBytes, minFreeSpace } = config.storage;
	const pass = retention({
		kept: {
			sum: async () => (await steadily(() => journal.view.keptSum(root))) ?? { sizeBytes: 0 },
			cores: async () => (await steadily(() => journal.view.keptCores(root))) ?? [],
			isErasing: async () => (await steadily(() => journal.view.hasWork('eraser'))) ?? true,
			append: intake.append,
		},
		space: () => spaceOf(root, minFreeSpace),
		room,
		options: { root, days, maxBytes },
	});
	while (!signal.aborted) {
		try {
			await pass();
		} catch (error) {
			if (!isBackendError(error)) throw error; // the health of the storage tells
		}
		await pause(intervalMs, signal);
	}
}
