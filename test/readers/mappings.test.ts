import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Corefile, readHead, readPass } from '../../src/readers/corefile/corefile.ts';
import { coreFile, type Load, type MappedPart, mappedFiles, moduleStart, type Note, prstatus } from '../support/corefile.ts';
import { temporaryFolder } from '../support/crash.ts';

const machine = 62;
const status = (id: number) => prstatus({ id, signal: 11, registers: Array.from({ length: 27 }, () => 0n) });

async function read(notes: readonly Note[], loads: readonly Load[] = []): Promise<Corefile> {
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'core');
	writeFileSync(path, coreFile(machine, notes, loads));
	return await readPass(path);
}

describe('a place in a mapped file', () => {
	const part = (path: string, start: bigint, page: bigint): MappedPart => ({ path, start, end: start + 0x1000n, page });
	const far = 0x7f171bdc0000n;
	const parts = [
		part('/node', 0x400000n, 0n),
		part('/node', 0x402000n, 1n), // further on in memory than in the file, as linkers align
		part('/node', far, 0x1627n), // V8's copy of a part of its code
		part('/lib', far + 0x10000n, 0n),
		part('/data', far + 0x20000n, 0x10n), // without its first byte
		part('/lib', far + 0x30000n, 0n), // mapped a second time
		part('/lib', far + 0x31000n, 1n),
		part('/early', 0x1000n, 0x10n), // from before the start of the address space
	].sort((a, b) => (a.start < b.start ? -1 : 1));
	const places: readonly (readonly [address: bigint, module: string, offset: string])[] = [
		[0x400010n, '/node', '0x10'],
		[0x402010n, '/node', '0x2010'],
		[far + 0x10n, '/node', '0x1627010'],
		[far + 0x10010n, '/lib', '0x10'],
		[far + 0x20010n, '/data', '0x10010'],
		[far + 0x31010n, '/lib', '0x1010'],
		[0x1010n, '/early', '0x10010'],
	];
	test.each([
		['in order', parts],
		['in any order', parts.toReversed()],
	])('counts from the first byte of that part, of mappings %s', async (_, given) => {
		const { locate } = await read([status(1), mappedFiles(given)]);
		for (const [address, module, offset] of places) expect(locate(`0x${address.toString(16)}`)).toEqual({ module, offset });
		expect(locate('0x401000')).toBeUndefined();
	});
});

describe('paths that no kernel writes are named', () => {
	test.each([
		['/usr/lib/libc.so.6', false],
		['/usr/lib/libc.so.6 (deleted)', false],
		['/dev/zero (deleted)', false],
		['/memfd:name (deleted)', false],
		['/SYSV00000000 (deleted)', false],
		['anon_inode:[io_uring]', false],
		['/[aio] (deleted)', false],
		['[aio]', false],
		['socket:[12]', false],
		['(unreachable)/lib/x.so', false],
		['/with\nnewline/..name/.hidden/a..', false],
		['/', false],
		['//../../../../tmp/x', true],
		['/lib/../../tmp/x', true],
		['/lib/./x', true],
		['/lib//x', true],
		['/lib/', true],
		['/lib/..', true],
		['/lib/.. (deleted)', true],
		['(unreachable)/../x', true],
		['tmp/x', true],
		['../x', true],
		['x', true],
		['anon_inode:/../../x', true],
		['', true],
	])('%j: %s', async (path, isForged) => {
		const { forgedPath } = await read([mappedFiles([{ start: 0x1000n, end: 0x2000n, path }])]);
		expect(forgedPath).toBe(isForged ? path.replace(/ \(deleted\)$/, '') : undefined);
	});
});

describe('more than a process has takes bounded time and memory', () => {
	const executable = (start: bigint, size: number): Load => ({ address: start, flags: 5, bytes: Buffer.alloc(size) });

	test('200,000 files mapped to be executed, each one byte long', async () => {
		const files = Array.from({ length: 200_000 }, (_, index) => {
			const start = 0x10000n + BigInt(index);
			return { start, end: start + 1n, path: `/${index}` };
		});
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'core.zst');
		writeFileSync(path, zstdCompressSync(coreFile(machine, [status(1), mappedFiles(files)], [executable(0x10000n, 200_000)])));
		for (const reading of [readHead, readPass]) {
			const before = process.memoryUsage().rss;
			const start = performance.now();
			const { modules, locate, problems } = await reading(path);
			for (let index = 0; index < 10_000; index++) locate(`0x${(0x10000 + index * 20).toString(16)}`);
			expect(locate('0x10011')).toEqual({ module: '/17', offset: '0x0' });
			expect(performance.now() - start).toBeLessThan(5_000);
			expect(process.memoryUsage().rss - before).toBeLessThan(128 << 20);
			expect(modules).toHaveLength(4096);
			expect(problems).toEqual([
				'more than 65536 files were mapped: of the others only parts that lie side by side are taken together',
				'of 200000 mapped files that may be executables or libraries 4096 were looked at',
			]);
		}
	}, 30_000);

	test('of many mapped files, those that are executed from their first byte on are modules first', async () => {
		const data = Array.from({ length: 5_000 }, (_, index) => {
			const start = 0x10000n + BigInt(index) * 0x1000n;
			return { start, end: start + 0x1000n, page: 1n, path: `/data/${index}` };
		});
		const library = 0x7f00_0000_0000n;
		const { modules } = await read(
			[status(1), mappedFiles([...data, { start: library, end: library + 0x1000n, path: '/lib/libc.so.6' }])],
			[executable(0x10000n, 5_000 * 4096), { address: library, flags: 5, bytes: moduleStart(machine, 'ab'.repeat(20)) }],
		);
		expect(modules).toHaveLength(4096);
		expect(modules.at(-1)).toEqual({ path: '/lib/libc.so.6', isDeleted: false, base: '0x7f0000000000', buildId: 'ab'.repeat(20) });
	});

	test('130,000 threads', async () => {
		const { threads, problems } = await read(Array.from({ length: 130_000 }, (_, index) => status(index + 1)));
		expect(threads).toHaveLength(20_000);
		expect(threads.at(-1)).toMatchObject({ id: 20_000, signal: 11, registers: { rip: '0x0' } });
		expect(problems).toEqual(['of 130000 threads the first 20000 were read']);
	});

	test('100,000 notes that can not be read', async () => {
		const { problems } = await read(Array.from({ length: 100_000 }, () => ({ type: 1, description: Buffer.alloc(4) })));
		expect(problems).toHaveLength(21);
		expect(problems[0]).toMatch(/^the note NT_PRSTATUS at byte \d+ can't be read: 4 bytes; expected 336$/);
		expect(problems.at(-1)).toBe("99980 more notes can't be read");
	});
});
