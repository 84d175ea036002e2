export type Assignment = { readonly section: string; readonly key: string; readonly value: string };

/** Longer lines are none of systemd's: LONG_LINE_MAX. */
const longestLine = 1 << 20;

/**
 * The assignments in one of systemd's configuration files or units, in their order: systemd.syntax(7). What is none is left out, as systemd does.
 */
export function assignmentsIn(text: string): Assignment[] {
	const found: Assignment[] = [];
	let section = '';
	for (const line of wholeLines(text.replace(/^\ufeff/, ''))) {
		const heading = /^\[(.*)\]$/.exec(line)?.[1];
		if (heading !== undefined) section = heading;
		const at = line.indexOf('=');
		if (heading === undefined && at > 0) found.push({ section, key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() });
	}
	return found;
}

/** Without comments; a line that ends with a backslash goes on in the next, also behind comments. */
function* wholeLines(text: string): Generator<string> {
	let begun = '';
	for (const line of text.split(/\r?\n/)) {
		const trimmed = line.trim();
		if (trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
		if (begun.length + trimmed.length > longestLine) begun = '';
		else if (trimmed.endsWith('\\')) begun += `${trimmed.slice(0, -1)} `;
		else {
			yield (begun + trimmed).trim();
			begun = '';
		}
	}
	if (begun !== '') yield begun.trim();
}

/**
 * The value that counts for a key: the last one that is right.
 *
 * @param texts of the files in the order in which they count
 * @param read undefined for what systemd would leave out
 */
export function lastOf<T>(texts: readonly string[], section: string, key: string, read: (value: string) => T | undefined): T | undefined {
	return texts
		.flatMap(assignmentsIn)
		.filter((one) => one.section === section && one.key === key)
		.map(({ value }) => read(value))
		.findLast((value) => value !== undefined);
}
