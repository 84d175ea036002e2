import { exec } from './crash.ts';

/** One row as readelf prints it: `rsp+16`, and by its column `c-16`, `u`, `exp` … The return address is `ra`. */
export type PrintedRow = { readonly start: bigint; readonly cfa: string; readonly registers: Readonly<Record<string, string>> };

/** An FDE with its rows; where it has none of its own, those of its CIE. */
export type PrintedFrames = { readonly start: bigint; readonly end: bigint; readonly rows: readonly PrintedRow[] };

/** What readelf makes of a file's `.eh_frame`. */
export async function framesByReadelf(file: string): Promise<PrintedFrames[]> {
	const { stdout } = await exec('readelf', ['-W', '--debug-dump=frames-interp,no-follow-links', file], {
		maxBuffer: 256 << 20,
		env: { ...process.env, DEBUGINFOD_URLS: '' },
	});
	const common = new Map<string, readonly PrintedRow[]>();
	const frames: PrintedFrames[] = [];
	for (const block of stdout.split('\n\n')) {
		const lines = block.split('\n');
		const at = lines.findIndex((line) => /^[0-9a-f]{8} .* (CIE|FDE) /.test(line));
		const heading = lines[at] ?? '';
		const rows = printedRows(lines.slice(at + 1));
		if (/ CIE /.test(heading)) common.set(heading.slice(0, 8), rows);
		const [, cie = '', start = '', end = ''] = / FDE cie=([0-9a-f]{8}) pc=([0-9a-f]+)\.\.([0-9a-f]+)/.exec(heading) ?? [];
		if (start === '' || start === end) continue;
		const first = BigInt(`0x${start}`);
		frames.push({
			start: first,
			end: BigInt(`0x${end}`),
			rows: rows.length > 0 ? rows : (common.get(cie) ?? []).map((row) => ({ ...row, start: first })),
		});
	}
	return frames;
}

function printedRows([heading = '', ...lines]: readonly string[]): PrintedRow[] {
	if (!/^\s+LOC\s/.test(heading)) return [];
	const [, , ...columns] = heading.trim().split(/\s+/);
	const rows = lines
		.filter((line) => /^[0-9a-f]{16} /.test(line))
		.map((line) => {
			const [start, cfa = '', ...cells] = registersByName(line).trim().split(/\s+/);
			return {
				start: BigInt(`0x${start}`),
				cfa,
				registers: Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])),
			};
		});
	// Of several for the same address the last counts.
	return rows.filter(({ start }, index) => rows[index + 1]?.start !== start);
}

/** A register that is in another is printed as `r1 (rdx)`. */
const registersByName = (line: string) => line.replace(/\br\d+ \((\w+)\)/g, '$1');
