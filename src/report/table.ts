/** Rows in columns that are as wide as their widest cell. Widths count characters, not colours: paint afterwards. */
export function table(rows: readonly (readonly string[])[], gap = 2): string[] {
	const widths = rows.reduce<number[]>((widest, row) => {
		for (const [index, cell] of row.entries()) widest[index] = Math.max(cell.length, widest[index] ?? 0);
		return widest;
	}, []);
	return rows.map((row) =>
		row
			.map((cell, index) => cell.padEnd((widths[index] ?? 0) + gap))
			.join('')
			.trimEnd(),
	);
}

/** Text cut to a width, its end shown by `…`. */
export const cut = (text: string, width: number) => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
