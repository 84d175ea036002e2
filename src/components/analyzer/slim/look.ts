import { callstacks } from '../callstack/callstack.ts';
import type { FoundModule } from '../modules.ts';
import { keepAbortMessage, keepImages } from './images.ts';
import type { Keeping } from './keeping.ts';
import { keepLinkMap } from './link-map.ts';
import { keepPointed } from './pointed.ts';
import { keepThreads } from './threads.ts';

/**
 * Looks at all that is to be kept, as far as it is at hand: what matters most comes first, as there is a limit.
 *
 * @param path where the bytes are that are at hand
 * @param modules with the files of those that are here; absent as long as it is not known which there are
 */
export async function look(
	keeping: Keeping,
	path: string,
	modules: readonly FoundModule[] | undefined,
	signal: AbortSignal | undefined,
): Promise<void> {
	keepThreads(keeping);
	// Names are not looked up: what is read of the core for the stacks is what counts.
	const stacks = modules && (await callstacks(path, keeping.corefile, modules, { demangle: async () => new Map(), signal }));
	keepImages(keeping);
	await keepAbortMessage(keeping);
	await keepLinkMap(keeping);
	await keepPointed(keeping, stacks);
}
