import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layers } from '../../domain/layers.ts';
import type { Association } from '../../domain/report.ts';
import { type ContainerRoot, openRoot } from '../../drivers/containerfiles/containerfiles.ts';

/** Of which directories the root of a container was made; undefined where that is not known. */
export type LayersOf = (
	container: Pick<Association, 'podUid' | 'container' | 'image'> & { readonly containerId: string },
) => Promise<Layers | undefined>;

/** The files of the container that a process ran in, and what one may not find there. */
export type Container = { readonly root?: ContainerRoot /** In words; told when something is missed. */; readonly problem?: string };

const otherWays =
	'unpack its image and give that by analyze --sysroot, put the files into a folder of analyzer.symbols.paths, or set analyzer.symbols.debuginfod to a server that has them';

/**
 * Opens the files of the container that a process ran in.
 *
 * @param scratch a folder of the caller, where copies may be put
 * @returns undefined where it ran in none that is known
 */
export async function containerOf(
	{ containerId, ...place }: Partial<Association> = {},
	layersOf: LayersOf,
	scratch: string | undefined,
): Promise<Container | undefined> {
	if (containerId === undefined) return undefined;
	const shown = `container ${containerId.slice(0, 12)}`;
	const layers = await layersOf({ containerId, ...place });
	if (!layers) return { problem: `the files of ${shown} can't be found, as it ended before it was seen: ${otherWays}` };
	const copies = scratch === undefined ? undefined : join(scratch, 'container');
	if (copies !== undefined) await mkdir(copies);
	const root = await openRoot(layers, copies);
	const { length } = root.missing;
	if (length === 0) return { root };
	const lost = length === layers.lowers.length ? 'the files' : `${length} of ${layers.lowers.length} layers`;
	return { root, problem: `${lost} of ${shown} are not on the node any more, as its image was removed: ${otherWays}` };
}
