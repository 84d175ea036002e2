import type { Backend } from '../../domain/backend.ts';
import type { Event } from '../../domain/events.ts';
import type { KeptCore, KeptSum } from '../../domain/history.ts';
import { nameIn } from '../../domain/stored-file.ts';
import { besideOf, instanceIn, stemOf } from './name.ts';
import type { Deletion, Holdings } from './retention.ts';
import type { HeldCore } from './retention-policy.ts';
import { belongings } from './stored-files.ts';

/** What the journal knows of the cores that are stored below a place. */
export type Kept = {
	sum(place: string): Promise<KeptSum>;
	cores(place: string): Promise<readonly KeptCore[]>;
	/** Whether what was decided to go has not gone yet. */
	isErasing(): Promise<boolean>;
	append(...events: readonly Event[]): Promise<unknown>;
};

type OwnCore = HeldCore & KeptCore & { readonly name: string };

/**
 * A store that is this agent's alone: what is in it, the journal knows. There it is decided too what goes, and the eraser carries it out: from then on
 * the report says that the core is gone, and no death of the process can leave it half there.
 */
export function ownStore(backend: Backend, kept: Kept, signal: AbortSignal): Holdings<OwnCore> {
	const { place } = backend;
	return {
		sum: () => kept.sum(place),
		async cores() {
			return (await kept.cores(place)).map((core) => {
				const name = nameIn(place, core);
				return { ...core, name, instance: instanceIn(name) };
			});
		},
		judged: async (cores) => cores,
		async pinned(cores) {
			const { sets } = await belongings(backend, signal);
			return new Set(cores.filter(({ name }) => sets.get(stemOf(name))?.pin).map(({ id }) => id));
		},
		isErasing: kept.isErasing,
		erase: async (gone) => void (await kept.append(...gone.map(deletionOf))),
	};
}

export const deletionOf = ({
	core: { id, name, sizeBytes },
	...body
}: Deletion & { readonly core: { readonly name: string } }): Event<'DeletionEvent'> => ({
	kind: 'DeletionEvent',
	key: id,
	body: { ...body, files: [name, besideOf(name, 'report'), besideOf(name, 'deletion')], sizeBytes },
});
