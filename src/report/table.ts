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
export function cut(text: string, width: number): string {
	if (text.length <= width) return text;
	const end = width - 1;
	return `${text.slice(0, isHigh(text.charCodeAt(end - 1)) ? end - 1 : end)}…`;
}

/** The first half of a pair, which stands for nothing alone. */
const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00;
