import type { Event } from '../../domain/events.ts';
import type { Core } from '../../domain/report.ts';
import { isOriginalThere } from '../../drivers/original/original.ts';
import { scratchFolder } from './scratch.ts';

/**
 * Gives what is stored of a crash's core, as a file that can be read.
 *
 * @param folder of a place for it, which lasts as long as the core is read
 * @param mostBytes how much there may be in it
 * @returns undefined where nothing is stored
 * @throws {ContentLost} what was stored is gone, damaged, or too large
 * @throws {BackendUnavailable | BackendRefused}
 */
export type StoredCopy = (
	id: string,
	folder: () => Promise<string>,
	limits: { readonly mostBytes: number; readonly signal: AbortSignal },
) => Promise<Core | undefined>;

type Deps = { readonly storedCopy: StoredCopy | undefined; readonly scratch: { readonly path: string; readonly maxBytes: number } };

/**
 * Where a core that is to be looked into once more is read, unless it is where it was found. It is there until the stack ends.
 *
 * @throws {ContentLost | ScratchError | BackendUnavailable | BackendRefused}
 */
export async function copyOf(
	{ key, body: { core, isAnew } }: Event<'CoredumpFile'>,
	{ storedCopy, scratch }: Deps,
	stack: AsyncDisposableStack,
	signal: AbortSignal,
): Promise<Core | undefined> {
	if (!core || !isAnew || !storedCopy || (await isOriginalThere(core))) return undefined;
	const folder = async () => stack.use(await scratchFolder(scratch.path)).path;
	return storedCopy(key, folder, { mostBytes: scratch.maxBytes, signal });
}
