import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { linkTarget, openName } from './beneath.ts';

/** One layer's part of a directory. */
export type Part = { readonly handle: FileHandle; readonly isOfImage: boolean };

/** What has a name in a directory that several layers have a part in. */
export type Entry =
	| { readonly is: 'directory'; readonly parts: readonly Part[] }
	| { readonly is: 'link'; readonly target: string }
	/** A handle to its place. */
	| { readonly is: 'file'; readonly place: Part }
	| { readonly is: 'nothing' };

/**
 * Looks a name up in a directory, whose parts are given with the uppermost first, as overlayfs does it: what an upper layer has hides what is
 * below it, but for directories, which are one. A whiteout, a character device 0:0, hides and is nothing itself.
 *
 * That a directory is opaque, and hides those below it, stands in `trusted.overlay.opaque`, which only CAP_SYS_ADMIN lets read. So what it hides
 * is found here: a file of the image that was replaced. It is of another build, or it is the right one.
 *
 * @returns handles that the caller closes
 */
export async function entryOf(parts: readonly Part[], name: string): Promise<Entry> {
	const directories: Part[] = [];
	for (const { handle, isOfImage } of parts) {
		const place = await openName(handle, name);
		if (!place) continue;
		const kind = kindOf(await place.stat());
		if (kind === 'directory') {
			directories.push({ handle: place, isOfImage });
			continue;
		}
		if (directories.length === 0 && kind === 'file') return { is: 'file', place: { handle: place, isOfImage } };
		await place.close();
		if (directories.length > 0) break; // hidden, with all that is below it
		const target = kind === 'link' ? await linkTarget(handle, name) : undefined;
		return target === undefined ? { is: 'nothing' } : { is: 'link', target };
	}
	return directories.length > 0 ? { is: 'directory', parts: directories } : { is: 'nothing' };
}

function kindOf(place: Stats): 'directory' | 'file' | 'link' | 'other' {
	if (place.isDirectory()) return 'directory';
	if (place.isFile()) return 'file';
	return place.isSymbolicLink() ? 'link' : 'other';
}
