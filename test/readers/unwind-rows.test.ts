import { existsSync, readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { memoryBytes } from '../../src/readers/bytes/bytes.ts';
import { type CfaRule, callFrames, type Machine, type RegisterRule, type Row } from '../../src/readers/unwind/unwind.ts';
import { program } from '../support/crash.ts';
import { framesByReadelf } from '../support/frame-tables.ts';
import { missingOf, testUnless } from '../support/needed.ts';

const folders = [
	'/lib/x86_64-linux-gnu',
	'/usr/lib/x86_64-linux-gnu',
	'/lib/aarch64-linux-gnu',
	'/usr/lib/aarch64-linux-gnu',
	'/usr/lib64',
];
const otherFolders = ['/usr/aarch64-linux-gnu/lib'];

const libraries = [
	{ words: 'in the C library', name: 'libc.so.6', folders },
	{ words: 'in the C++ library', name: 'libstdc++.so.6', folders },
	{ words: 'in a C library of aarch64', name: 'libc.so.6', folders: otherFolders },
];

const programs = [
	{ words: 'in a C program', source: 'unwinds.c', flags: ['-O2'], least: 8 },
	{ words: 'in a Rust program', source: 'panics.rs', flags: ['-O'], least: 200 },
];

const missing = missingOf(['readelf']);

describe('the rows of each function are those of readelf', () => {
	for (const { words, name, folders } of libraries) {
		const file = folders.map((folder) => `${folder}/${name}`).find(existsSync);
		testUnless(words, file === undefined ? `${name} is missing in ${folders.join(', ')}` : missing, async () => {
			expect(await comparedRows(file ?? '', readFileSync(file ?? ''))).toBeGreaterThan(300);
		});
	}

	for (const { words, source, flags, least } of programs) {
		testUnless(words, missing, async () => {
			const file = await program(source, flags);
			expect(await comparedRows(file, readFileSync(file))).toBeGreaterThan(least);
		});

		testUnless(`${words}, where there is no .eh_frame_hdr`, missing, async () => {
			const file = await program(source, flags);
			expect(await comparedRows(file, withoutFrameHeader(readFileSync(file)))).toBeGreaterThan(least);
		});
	}
});

testUnless('what no function describes has no row', missing, async () => {
	const file = await program('unwinds.c', ['-O2']);
	const frames = await framesByReadelf(file);
	const { rowAt } = await callFrames(memoryBytes(readFileSync(file)));
	const [first, last] = [frames.map(({ start }) => start), frames.map(({ end }) => end)].map((all) =>
		all.toSorted((a, b) => (a < b ? -1 : 1)),
	);
	expect(await rowAt((first?.[0] ?? 0n) - 1n)).toBeUndefined();
	expect(await rowAt(last?.at(-1) ?? 0n)).toBeUndefined();
	expect(await rowAt((1n << 64n) - 1n)).toBeUndefined();
});

/** Of a large library not all. */
const mostFunctions = 500;

/** Compares at the first and the last address of each row. @returns of how many functions */
async function comparedRows(file: string, bytes: Buffer): Promise<number> {
	const { rowAt, machine } = await callFrames(memoryBytes(bytes));
	const all = await framesByReadelf(file);
	const frames = all.filter((_, index) => index % Math.ceil(all.length / mostFunctions) === 0);
	const differences: unknown[] = [];
	for (const { start, end, rows } of frames)
		for (const [index, printed] of rows.entries())
			for (const address of [printed.start, (rows[index + 1]?.start ?? end) - 1n]) {
				const row = await rowAt(address);
				const ours = row && asPrinted(row, Object.keys(printed.registers), machine);
				const theirs = { cfa: printed.cfa, registers: printed.registers };
				if (JSON.stringify(ours) !== JSON.stringify(theirs)) differences.push({ start, address, ours, theirs });
			}
	expect(differences).toEqual([]);
	return frames.length;
}

function asPrinted(row: Row, columns: readonly string[], machine: Machine) {
	const numberOf = (column: string) => (column === 'ra' ? row.returnAddressRegister : numberNamed(column, machine));
	return {
		cfa: printedCfa(row.cfa, machine),
		registers: Object.fromEntries(columns.map((column) => [column, printedRule(row.registers.get(numberOf(column)), machine)])),
	};
}

/** Vector registers of aarch64 begin at 64. */
const numberNamed = (name: string, { registers }: Machine) => (/^v\d+$/.test(name) ? 64 + Number(name.slice(1)) : registers.indexOf(name));

const signed = (offset: bigint) => (offset < 0n ? `${offset}` : `+${offset}`);

function printedCfa(cfa: CfaRule, { registers }: Machine): string {
	return cfa.is === 'expression' ? 'exp' : `${registers[cfa.register]}${signed(cfa.offset)}`;
}

function printedRule(rule: RegisterRule | undefined, { registers }: Machine): string {
	switch (rule?.is) {
		case undefined:
		case 'undefined':
			return 'u';
		case 'same value':
			return 's';
		case 'offset':
			return `c${signed(rule.offset)}`;
		case 'val_offset':
			return `v${signed(rule.offset)}`;
		case 'register':
			return registers[rule.register] ?? '';
		case 'expression':
			return 'exp';
		case 'val_expression':
			return 'vexp';
	}
}

/** PT_GNU_EH_FRAME becomes PT_NULL. */
function withoutFrameHeader(file: Buffer): Buffer {
	const start = Number(file.readBigUInt64LE(32));
	for (let index = 0; index < file.readUInt16LE(56); index++) {
		const at = start + 56 * index;
		if (file.readUInt32LE(at) === 0x6474e550) file.writeUInt32LE(0, at);
	}
	return file;
}
