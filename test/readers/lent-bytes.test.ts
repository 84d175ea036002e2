import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type ByteSource, fileBytes } from '../../src/readers/bytes/bytes.ts';
import { buildIdIn, elfHeader, elfHeaderSize, programHeaders, sections } from '../../src/readers/elf/elf.ts';
import { openPclntab } from '../../src/readers/gopclntab/gopclntab.ts';
import { openSymbols } from '../../src/readers/symbols/symbols.ts';
import { callFrames } from '../../src/readers/unwind/unwind.ts';
import { program } from '../support/crash.ts';
import { codeOf } from '../support/symbols.ts';

/** What is valid until the next read is gone then, also where a file's bytes would still be there. */
function lent(source: ByteSource): ByteSource {
	let last: Buffer = Buffer.alloc(0);
	return {
		...source,
		async read(offset, length) {
			last.fill(0xa5);
			last = Buffer.from(await source.read(offset, length));
			return last;
		},
	};
}

for (const [name, source, flags] of [
	['C', 'unwinds.c', ['-O2']],
	['Rust', 'panics.rs', ['-O']],
	['Go', 'gocrash', ['-ldflags=-s -w']],
] as const)
	test(`no reader of ${name} keeps what it was lent beyond the next read`, async () => {
		const path = await program(source, flags);
		await using file = await open(path);
		const places = await codeOf(path, 200);
		expect(await allOf(lent(fileBytes(file)), places)).toEqual(await allOf(fileBytes(file), places));
	});

/** What each reader says of a file, and of places in its code. */
async function allOf(source: ByteSource, places: readonly bigint[]) {
	const header = elfHeader(await source.read(0, elfHeaderSize));
	const segments = await programHeaders(source, header);
	const named = await sections(source, header);
	const note = named.get('.note.gnu.build-id');
	const buildId = note && (await buildIdIn(source, Number(note.sh_offset), Number(note.sh_offset + note.sh_size)));
	const symbols = await openSymbols(source);
	const functions = await symbols?.functionsAt(places);
	const addresses = await symbols?.addressesOf(['main', 'malloc']);
	const frames = await callFrames(source);
	const go = await openPclntab(source);
	const described: unknown[] = [];
	for (const place of places)
		described.push([
			await frames.rowAt(place),
			await go?.functionAt(place),
			await go?.callsAt(place),
			await go?.frameSizeAt(place),
			await go?.lineAt(place),
		]);
	return { header, segments, named, buildId, functions, addresses, described };
}

test('after a read that failed nothing is taken from what it left', async () => {
	await using file = await open(import.meta.filename);
	const text = (await file.read(Buffer.alloc(64), 0, 64, 0)).buffer.toString();
	let fails = false;
	// A disk that fails is not to be had here.
	const failing = new Proxy(file, {
		get: (target, name) =>
			name !== 'read'
				? Reflect.get(target, name, target)
				: async (into: Buffer, ...rest: [number, number, number]) => {
						if (!fails) return target.read(into, ...rest);
						into.fill(0xa5);
						throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
					},
	});
	const source = fileBytes(failing);
	expect((await source.read(0, 64)).toString()).toBe(text);
	fails = true;
	await expect(source.read(1 << 20, 64)).rejects.toThrow('EIO');
	fails = false;
	expect((await source.read(0, 64)).toString()).toBe(text);
});
