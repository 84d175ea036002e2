import type { Backend } from '../../domain/backend.ts';
import type { KeptCore } from '../../domain/history.ts';
import { nameIn } from '../../domain/stored-file.ts';
import { deletionNote } from './beside.ts';
import { deletionOf, type Kept } from './own-store.ts';

/**
 * Takes note of what was deleted from a store that others share too, so that the reports here say so. Each core is asked for by itself: only who clears
 * the store lists it.
 *
 * @param pace waited for before each
 * @returns a round; @throws {BackendUnavailable | BackendRefused}
 */
export function noticeDeletions(
	backend: Backend,
	kept: Pick<Kept, 'cores' | 'append'>,
	pace: (cores: number) => Promise<void>,
	signal: AbortSignal,
): () => Promise<void> {
	async function notice(core: KeptCore): Promise<void> {
		const name = nameIn(backend.place, core);
		const note = await deletionNote(backend, name, signal);
		if (note) await kept.append(deletionOf({ core: { ...note, id: core.id, name, foundAt: 0 }, ...note }));
	}

	return async () => {
		const cores = await kept.cores(backend.place);
		if (cores.length === 0) await pace(1);
		for (const core of cores) {
			await pace(cores.length);
			if (signal.aborted) return;
			await notice(core);
		}
	};
}
