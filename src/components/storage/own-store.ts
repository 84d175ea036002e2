import type { Backend } from '../../domain/backend.ts';
import type { Event } from '../../domain/events.ts';
import type { KeptCore, KeptSum } from '../../domain/history.ts';
import { besideOf, instanceIn, partsOf } from './name.ts';
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
	const nameOf = ({ location }: KeptCore) => location.slice(place.length + 1);
	return {
		sum: () => kept.sum(place),
		async cores() {
			return (await kept.cores(place)).map((core) => ({ ...core, name: nameOf(core), instance: instanceIn(nameOf(core)) }));
		},
		judged: async (cores) => cores,
		async pinned() {
			const { sets } = await belongings(backend, signal);
			const cores = await kept.cores(place);
			return new Set(cores.filter((core) => sets.get(partsOf(nameOf(core))?.stem ?? '')?.pin).map(({ id }) => id));
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
