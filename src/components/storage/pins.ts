import { type Backend, NotStored } from '../../domain/backend.ts';
import { mark } from './beside.ts';
import { besideOf } from './name.ts';
import { belongings, belongingsOf } from './stored-files.ts';

/**
 * Keeps a core in the store, whatever the limits of that are, until it is unpinned. Twice is once.
 *
 * @param name of the core in the store
 * @throws {NotStored} it is not there
 * @throws {BackendUnavailable | BackendRefused}
 */
export async function pinCore(backend: Backend, name: string, signal: AbortSignal): Promise<void> {
	const isThere = async () => (await belongingsOf(backend, name, signal))?.cores.some((core) => core.name === name) ?? false;
	const notThere = () => new NotStored(`${backend.place}/${name} is not there`);
	if (!(await isThere())) throw notThere();
	await mark(backend, name, 'pin', { pinnedAt: new Date().toISOString() }, signal);
	if (await isThere()) return;
	await unpinCore(backend, name, signal); // it went in that moment
	throw notThere();
}

/** Lets the limits hold for a core again. @returns whether they did not */
export async function unpinCore(backend: Backend, name: string, signal: AbortSignal): Promise<boolean> {
	const isPinned = (await belongingsOf(backend, name, signal))?.pin !== undefined;
	if (isPinned) await backend.remove([besideOf(name, 'pin')], signal);
	return isPinned;
}

/** The names of all cores that are pinned. @throws {BackendUnavailable | BackendRefused} */
export async function pinnedCores(backend: Backend, signal: AbortSignal): Promise<readonly string[]> {
	const { sets } = await belongings(backend, signal);
	return [...sets.values()].flatMap(({ cores, pin }) => (pin ? cores.map(({ name }) => name) : [])).sort();
}
