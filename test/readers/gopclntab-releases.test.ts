import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/readers/bytes/bytes.ts';
import { openPclntab } from '../../src/readers/gopclntab/gopclntab.ts';
import { callsAsText, noLine } from '../support/gopclntab.ts';

/**
 * What other releases of Go wrote, of which not every machine has one. Each file has the bytes of a real program that a lookup of these
 * addresses reads, and what other tools say of them: `ranges` are pairs, how far behind the end of the one before it is and how long,
 * `bytes` all of them, packed with zstd, in base64.
 */
type Recorded = {
	readonly of: string;
	readonly answersBy: string;
	readonly size: number;
	readonly answers: readonly {
		readonly pc: string;
		readonly name: string;
		readonly source: string;
		readonly frameSize?: number;
		readonly calls?: string;
	}[];
	readonly ranges: readonly number[];
	readonly bytes: string;
};

const folder = join(import.meta.dirname, '../fixtures/gopclntab');
const layouts = { 'go1.16': '1.16', 'go1.17': '1.16', 'go1.19': '1.18', 'go1.20': '1.20', 'go1.26-aarch64': '1.20', 'go1.27': '1.20' };

test('each layout is among the recorded programs', () => {
	expect(readdirSync(folder).sort()).toEqual(Object.keys(layouts).map((name) => `${name}.json`));
});

describe.each(Object.entries(layouts))('a program of %s', (name, layout) => {
	const recorded: Recorded = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));

	test('function, file, line, frame size and inlined calls are what other tools say', async () => {
		const table = await openPclntab(sparse(recorded));
		expect(table?.since).toBe(layout);
		const answers = [];
		for (const { pc, frameSize } of recorded.answers) {
			const address = BigInt(pc);
			const line = await table?.lineAt(address);
			const calls = (await table?.callsAt(address)) ?? [];
			answers.push({
				pc,
				name: (await table?.functionAt(address))?.name,
				source: line ? `${line.file}:${line.line}` : noLine,
				...(frameSize !== undefined && { frameSize: await table?.frameSizeAt(address) }),
				...(calls.length > 1 && { calls: callsAsText(calls) }),
			});
		}
		expect(answers).toEqual(recorded.answers);
		expect(answers.filter(({ calls }) => calls).length).toBeGreaterThan(5);
	});

	test('what switches or ends a stack is told', async () => {
		const table = await openPclntab(sparse(recorded));
		const roles = new Set();
		for (const { pc } of recorded.answers) roles.add((await table?.functionAt(BigInt(pc)))?.role);
		expect([...roles]).toEqual(expect.arrayContaining(['asmcgocall', 'systemstack', 'mcall', 'goexit', 'sigtramp']));
	});
});

/** Zeros where nothing is recorded. */
function sparse({ size, ranges, bytes }: Recorded): ByteSource {
	const packed = zstdDecompressSync(Buffer.from(bytes, 'base64'));
	const parts: { readonly start: number; readonly bytes: Buffer }[] = [];
	for (let [index, end, taken] = [0, 0, 0]; index < ranges.length; index += 2) {
		const [start, length] = [end + (ranges[index] ?? 0), ranges[index + 1] ?? 0];
		parts.push({ start, bytes: packed.subarray(taken, taken + length) });
		[end, taken] = [start + length, taken + length];
	}
	return {
		isForwardOnly: false,
		read: async (offset, length) => {
			const read = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
			for (const part of parts) {
				const [from, to] = [Math.max(part.start, offset), Math.min(part.start + part.bytes.length, offset + read.length)];
				if (from < to) part.bytes.copy(read, from - offset, from - part.start, to - part.start);
			}
			return read;
		},
	};
}
