/** A folder of drop-ins, with the names of what is in it. */
type Folder = { readonly path: string; readonly names: readonly string[] };

/**
 * Which drop-ins count, in the order in which they do: by their names, whatever folder they are in; of one name only that in the first folder.
 * The configuration directories of coredump.conf(5), and the drop-ins of systemd.unit(5).
 *
 * @param folders the strongest first: that of the administrator before that of the packages
 */
export function inOrder(folders: readonly Folder[]): string[] {
	const paths = new Map<string, string>();
	for (const { path, names } of folders) {
		for (const name of names) if (/^[^.].*\.conf$/s.test(name) && !paths.has(name)) paths.set(name, `${path}/${name}`);
	}
	return [...paths].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([, path]) => path);
}
