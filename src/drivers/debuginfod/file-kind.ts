/** The executable or library itself, or its debug information. */
export type FileKind = 'executable' | 'debuginfo';

export type BuildFileName = `.build-id/${string}`;

/**
 * Where a file of a build is in a folder of such: as packages of Fedora and Debian have it below `/usr/lib/debug`, and as gdb looks for it.
 *
 * @param buildId in hex
 */
export const buildFileName = (buildId: string, kind: FileKind): BuildFileName =>
	`.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}${kind === 'debuginfo' ? '.debug' : ''}`;
