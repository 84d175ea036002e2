import type { CrashReport, Storage } from './report.ts';

/** A core that was stored. */
export type StoredCore = Exclude<Storage, { form: 'none' }>;

/** Whether something is stored. */
export const isKept = (storage: Storage | null | undefined): storage is StoredCore => storage != null && storage.form !== 'none';

/**
 * The name under which a core is in its store, with its end. That ends the location, wherever the store is; earlier versions said no more, and their
 * names had two parts.
 */
export const storedFile = ({ name = 'folder/file', location }: Pick<StoredCore, 'name' | 'location'>): string =>
	location.split('/').slice(-name.split('/').length).join('/');

/** Whether it was stored in that place. */
export const isStoredIn = (place: string, core: Pick<StoredCore, 'name' | 'location'>): boolean =>
	core.location === `${place}/${storedFile(core)}`;

/** The name of what is stored in that place. */
export const nameIn = (place: string, { location }: Pick<StoredCore, 'location'>): string => location.slice(place.length + 1);

export const storedCore = ({ storage }: Pick<CrashReport, 'storage'>): StoredCore | undefined => (isKept(storage) ? storage : undefined);
