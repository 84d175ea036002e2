import { mkdirSync } from 'node:fs';
import { exec } from './crash.ts';

type Folders = { readonly lower: string; readonly upper: string; readonly work: string };

/** Mounts an overlay there until the end of the block, as containerd does for a container that it runs. Folders that are not there are made. */
export async function mountedOverlay(rootfs: string, { lower, upper, work }: Folders): Promise<AsyncDisposable> {
	for (const path of [rootfs, lower, upper, work]) mkdirSync(path, { recursive: true });
	await exec('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, rootfs]);
	return {
		async [Symbol.asyncDispose]() {
			await exec('umount', [rootfs]);
		},
	};
}
