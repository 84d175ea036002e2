import { dirname, isAbsolute, join } from 'node:path';
import type { Mount } from './mountinfo.ts';

/** What an overlay is made of, as whoever mounted it named it. */
export type OverlayDirectories = {
	/** Absent where nothing can be written. */
	readonly upper?: string;
	/** The topmost first. */
	readonly lowers: readonly string[];
};

/**
 * The directories of an overlay mount: the kernel's Documentation/filesystems/overlayfs.rst.
 *
 * containerd names lower directories relative to the folder of all its snapshots when their paths would be too long for one mount
 * (`compactLowerdirOption` in its core/mount); the kernel shows them as they were given. The upper one is always named in full,
 * `SNAPSHOTS/NUMBER/fs`, and tells where that is.
 *
 * @returns undefined for what is no overlay, or does not tell where its directories are
 */
export function overlayDirectories({ type, superOptions }: Mount): OverlayDirectories | undefined {
	if (type !== 'overlay') return undefined;
	const upper = superOptions.find(({ name }) => name === 'upperdir')?.value;
	if (upper !== undefined && !isAbsolute(upper)) return undefined;
	const lowers = superOptions.flatMap(({ name, value }) => {
		if (name === 'lowerdir') return lowerList(value);
		return name === 'lowerdir+' ? [value] : []; // one each, taken as it is, since Linux 6.8
	});
	const home = upper === undefined ? undefined : dirname(dirname(upper));
	if (lowers.length === 0 || (home === undefined && !lowers.every(isAbsolute))) return undefined;
	const whole = lowers.map((path) => (isAbsolute(path) || home === undefined ? path : join(home, path)));
	return upper === undefined ? { lowers: whole } : { upper, lowers: whole };
}

/** Colons part the directories, but for those behind a backslash. What stands behind an empty one holds the data of others, and no names. */
function lowerList(text: string): string[] {
	const parts = [...text.matchAll(/((?:\\.|[^\\:])*)(:|$)/gs)].map(([, part = '']) => part.replace(/\\(.)/gs, '$1'));
	const end = parts.indexOf('');
	return end < 0 ? parts : parts.slice(0, end);
}
