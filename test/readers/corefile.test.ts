import { copyFileSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Corefile, CorefileError, readHead, readPass } from '../../src/readers/corefile/corefile.ts';
import { crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';
import { reference } from '../support/elfutils.ts';

const faults = [
	'null',
	'wild',
	'noncanonical',
	'readonly',
	'callnull',
	'abort',
	'assert',
	'doublefree',
	'fpe',
	'bus',
	'ill',
	'overflow',
	'fifty',
	'mapped',
	'kill',
];
const throws = ['member', 'throw', 'noexcept', 'terminate', 'at', 'thread', 'purecall'];

/** Compares all that a reader says with what elfutils say of the same file. */
async function expectLikeElfutils(corefile: Corefile, core: string): Promise<void> {
	const expected = await reference(core);
	expect(corefile.siginfo).toMatchObject({ signal: expected.signal, code: expected.code });
	if (expected.address !== undefined) expect(corefile.siginfo?.address).toBe(expected.address);
	if (expected.sender !== undefined)
		expect(corefile.siginfo).toMatchObject({ senderPid: expected.sender.pid, senderUid: expected.sender.uid });
	expect(corefile.process).toMatchObject({ name: expected.name, arguments: expected.arguments });
	expect(
		corefile.threads.map(({ id, registers }) => ({ id, rip: registers.rip, rsp: registers.rsp, rax: BigInt(registers.rax ?? 0) })),
	).toEqual(expected.threads);
	expect(corefile.modules.length).toBeGreaterThan(0);
	for (const { path, base, buildId } of corefile.modules) {
		expect(expected.files).toContain(path);
		expect([path, buildId]).toEqual([path, expected.buildIds.get(base)]);
	}
}

describe('a core of a real crash says what elfutils say of it', () => {
	for (const kind of faults) {
		crashTest(`C: ${kind}`, async () => {
			await using crashed = await crash(await program('faults.c'), [kind]);
			const corefile = await readPass(crashed.core);
			await expectLikeElfutils(corefile, crashed.core);
			expect(corefile).toMatchObject({ encoding: 'raw', complete: 'yes', problems: [], executable: await program('faults.c') });
		});
	}
	for (const kind of throws) {
		crashTest(`C++: ${kind}`, async () => {
			await using crashed = await crash(await program('throws.cc'), [kind]);
			await expectLikeElfutils(await readPass(crashed.core), crashed.core);
		});
	}
	for (const flags of [
		['-g', '-no-pie'],
		['-s', '-O2'],
		['-g', '-static'],
	]) {
		crashTest(`built with ${flags.join(' ')}`, async () => {
			await using crashed = await crash(await program('faults.c', flags), ['null']);
			const corefile = await readPass(crashed.core);
			await expectLikeElfutils(corefile, crashed.core);
			expect(corefile.executable).toBe(await program('faults.c', flags));
		});
	}
});

describe('what only the memory of the process holds', () => {
	crashTest('the whole command line, also where the kernel cut it', async () => {
		const long = Array.from({ length: 30 }, (_, index) => `--option-${index}`);
		await using crashed = await crash(await program('faults.c'), ['null', ...long, '']);
		const { initialStack, process } = await readPass(crashed.core);
		expect(initialStack?.arguments).toEqual([await program('faults.c'), 'null', ...long, '']);
		expect(process?.arguments.length).toBeLessThanOrEqual(80);
	});

	crashTest('of the environment only what is asked for', async () => {
		const environment = { HOSTNAME: 'querynode-0', PASSWORD: 'hunter2', HOSTNAME_SECRET: 'hunter3', EMPTY: '' };
		await using crashed = await crash(await program('faults.c'), ['null'], { environment });
		const { initialStack } = await readPass(crashed.core, { environmentNames: ['HOSTNAME', 'EMPTY', 'NOT_THERE'] });
		expect(initialStack?.environment).toEqual({ HOSTNAME: 'querynode-0', EMPTY: '' });
	});

	crashTest('a place in a library or program as offset in its file', async () => {
		await using crashed = await crash(await program('faults.c', ['-g', '-no-pie']), ['null']);
		const { locate, threads } = await readPass(crashed.core);
		const pc = threads[0]?.registers.rip ?? '0x0';
		const { stdout } = await exec('addr2line', ['-f', '-e', await program('faults.c', ['-g', '-no-pie']), pc]);
		expect(stdout).toMatch(/^write_null\n/);
		expect(locate(pc)).toEqual({
			module: await program('faults.c', ['-g', '-no-pie']),
			offset: `0x${(BigInt(pc) - 0x400000n).toString(16)}`,
		});
		expect(locate('0x1')).toBeUndefined();
	});
});

describe('cores that gdb wrote', () => {
	crashTest('have their notes at the end, and say the same', async () => {
		await using folder = await temporaryFolder();
		const core = join(folder.path, 'core');
		await exec('gdb', [
			'-nx',
			'-batch',
			'-ex',
			'run',
			'-ex',
			`generate-core-file ${core}`,
			'-ex',
			'kill',
			'--args',
			await program('faults.c'),
			'fifty',
		]);
		const corefile = await readPass(core);
		await expectLikeElfutils(corefile, core);
		expect(corefile).toMatchObject({ complete: 'yes', problems: [] });
		expect(corefile.threads).toHaveLength(50);
		await exec('zstd', ['-q', core]);
		const packed = await readPass(`${core}.zst`);
		expect(packed.threads).toEqual(corefile.threads);
		expect(packed.modules).toEqual(corefile.modules);
		expect(packed.initialStack).toEqual(corefile.initialStack);
	});
});

describe('cores with more than 65,534 segments', () => {
	crashTest('are read whole, plain, packed and cut off', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const before = await readPass(crashed.core);
		const path = join(crashed.folder, 'many');
		writeFileSync(path, withManySegments(readFileSync(crashed.core), 70_000));
		const { stdout } = await exec('readelf', ['-hW', path]);
		expect(stdout).toMatch(/Number of program headers:\s+65535 \(70000\)/);
		const plain = await readPass(path);
		expect(plain).toMatchObject({ complete: 'yes', problems: [], modules: before.modules, threads: before.threads });
		await exec('zstd', ['-q', '-k', '-1', path]);
		expect(await readPass(`${path}.zst`)).toMatchObject({ complete: 'yes', modules: before.modules, threads: before.threads });
		truncateSync(path, 70_000 * 56 + 20_000);
		expect(await readPass(path)).toMatchObject({ complete: 'truncated', threads: before.threads });
	});
});

describe('a file that was cut off', () => {
	crashTest('yields all that is there, at whatever byte it ends', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		const whole = await readPass(crashed.core);
		const size = statSync(crashed.core).size;
		const cut = join(crashed.folder, 'cut');
		const seen = new Set<number>();
		for (const length of [120, 500, 3_000, 6_000, 9_000, 20_000, 100_000, 200_000, size - 1]) {
			copyFileSync(crashed.core, cut);
			truncateSync(cut, length);
			const corefile = await readPass(cut);
			expect([length, corefile.complete]).toEqual([length, 'truncated']);
			expect(corefile.threads).toEqual(whole.threads.slice(0, corefile.threads.length));
			// That its notes end where the file ends goes without saying.
			expect(corefile.problems.filter((problem) => /the notes end|of type/.test(problem))).toEqual([]);
			seen.add(corefile.threads.length);
		}
		expect(seen.size).toBeGreaterThan(3);
		expect(seen).toContain(0);
		expect(seen).toContain(50);
	});

	crashTest('by the limit for cores is known for it', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty'], { coreLimit: '400' });
		expect(await readPass(crashed.core)).toMatchObject({ complete: 'truncated', siginfo: { signal: 11, address: '0x10' } });
	});
});

crashTest('a segment that points outside any file is left out, and told of', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	const whole = await readPass(crashed.core);
	const bytes = readFileSync(crashed.core);
	const last = 64 + 56 * (bytes.readUInt16LE(56) - 1);
	bytes.writeBigUInt64LE((1n << 63n) - 1n, last + 8);
	writeFileSync(crashed.core, bytes);
	const { threads, modules, complete, problems } = await readPass(crashed.core);
	expect({ threads, modules, complete }).toEqual({ threads: whole.threads, modules: whole.modules, complete: 'truncated' });
	expect(problems).toEqual([expect.stringMatching(/^left out: segment \d+ points outside any file: offset 0x7f{15}, size 0x[0-9a-f]+$/)]);
});

describe('what is not a core is refused, with the byte and the reason', () => {
	const bad: readonly (readonly [name: string, make: (path: string) => void, message: RegExp])[] = [
		['an empty file', (path) => writeFileSync(path, ''), /^is empty$/],
		['text', (path) => writeFileSync(path, 'core dumped\n'.repeat(1000)), /^is not a core dump: expected an ELF file/],
		['a directory', (path) => mkdirSync(path), /^is a directory/],
		['an executable', (path) => copyFileSync(process.execPath, path), /^is an executable or a library, not a core dump \(at byte 16\)$/],
		['a short ELF header', (path) => writeFileSync(path, elf().subarray(0, 40)), /^ends within its ELF header of 64 bytes \(at byte 40\)$/],
		['a 32-bit core', (path) => writeFileSync(path, elf({ bits: 1 })), /^is not of a 64-bit little-endian machine \(at byte 4\)$/],
		['a big-endian core', (path) => writeFileSync(path, elf({ order: 2 })), /^is not of a 64-bit little-endian machine \(at byte 4\)$/],
		[
			'another machine',
			(path) => writeFileSync(path, elf({ machine: 243 })),
			/^is a core of machine type 243; this version reads x86-64, aarch64 \(at byte 18\)$/,
		],
		['an object file', (path) => writeFileSync(path, elf({ type: 1 })), /^is an ELF file of type 1, not a core dump \(4\) \(at byte 16\)$/],
		[
			'program headers outside the file',
			(path) => writeFileSync(path, elf({ phoff: 1n << 40n })),
			/^program headers at 0x10000000000 lie outside the file \(at byte 32\)$/,
		],
		[
			'program headers at an impossible place',
			(path) => writeFileSync(path, elf({ phoff: (1n << 64n) - 1n })),
			/lie outside the file \(at byte 32\)$/,
		],
		['no program headers', (path) => writeFileSync(path, elf({ phnum: 0 })), /^has no program headers \(at byte 56\)$/],
		[
			'program headers of another size',
			(path) => writeFileSync(path, elf({ phentsize: 32 })),
			/^a program header has 32 bytes; expected 56 \(at byte 54\)$/,
		],
		[
			'PN_XNUM with no section header',
			(path) => writeFileSync(path, elf({ phnum: 0xffff })),
			/^does not say how many program headers it has/,
		],
		[
			'PN_XNUM with four billion segments',
			(path) => writeFileSync(path, elf({ phnum: 0xffff, shoff: 64n, info: 0xffffffff })),
			/^announces 4294967295 program headers; at most/,
		],
		[
			'a segment at an impossible place',
			(path) => writeFileSync(path, elf({ segmentOffset: (1n << 63n) - 1n })),
			/^segment 0 points outside any file/,
		],
		['packed text', (path) => writeFileSync(path, zstdCompressSync('hello')), /^is not a core dump: expected an ELF file .* when unpacked/],
		['a damaged zstd file', (path) => writeFileSync(path, Buffer.from('28b52ffd0000000000000000', 'hex')), /^is not a core dump/],
	];
	for (const [name, make, message] of bad) {
		test(name, async () => {
			await using folder = await temporaryFolder();
			const path = join(folder.path, 'file');
			make(path);
			for (const read of [readHead, readPass]) {
				const error = await read(path).catch((thrown: unknown) => thrown);
				expect(error).toBeInstanceOf(CorefileError);
				expect((error as CorefileError).message).toMatch(message);
			}
		});
	}

	test('a FIFO, without waiting for its writer', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'fifo');
		await exec('mkfifo', [path]);
		await expect(readHead(path)).rejects.toThrow('is a FIFO');
	});

	test('a file that is not there is the caller’s to tell', async () => {
		await expect(readHead('/nowhere/core')).rejects.toMatchObject({ code: 'ENOENT' });
	});
});

describe('bad input takes bounded time and memory', () => {
	test('a million segments that all point beyond the end', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'core');
		const table = Buffer.alloc(1_000_000 * 56);
		for (let at = 0; at < table.length; at += 56) {
			table.writeUInt32LE(1, at);
			table.writeBigUInt64LE(1n << 45n, at + 8);
			table.writeBigUInt64LE(BigInt(at), at + 16);
			table.writeBigUInt64LE(4096n, at + 32);
			table.writeBigUInt64LE(4096n, at + 40);
		}
		writeFileSync(path, Buffer.concat([elf({ phnum: 0xffff, phoff: 128n, shoff: 64n, info: 1_000_000 }).subarray(0, 128), table]));
		expect(await readPass(path)).toMatchObject({ complete: 'truncated', threads: [], modules: [] });
	});

	test('a small file that unpacks to 64 GB of zeros', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'bomb.zst');
		const zeros = zstdCompressSync(Buffer.alloc(128 << 20));
		const core = zstdCompressSync(elf({ segmentOffset: 4096n, segmentSize: 4096n }));
		writeFileSync(path, Buffer.concat([core, ...Array.from({ length: 512 }, () => zeros)]));
		const before = process.memoryUsage().rss;
		expect(await readPass(path)).toMatchObject({ complete: 'yes' });
		expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20);
	});

	test('the same where the headers announce all of it: reading stops in time', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'bomb.zst');
		const zeros = zstdCompressSync(Buffer.alloc(128 << 20));
		const core = zstdCompressSync(elf({ segmentOffset: 4096n, segmentSize: 1n << 46n }));
		writeFileSync(path, Buffer.concat([core, ...Array.from({ length: 2048 }, () => zeros)]));
		expect(await readPass(path, { timeLimitMs: 300 })).toMatchObject({
			complete: 'unknown',
			problems: expect.arrayContaining(['there was no time to read on']),
		});
	});

	crashTest(
		'three thousand mutations of a real core: an answer or a CorefileError, nothing else',
		async () => {
			await using crashed = await crash(await program('faults.c'), ['fifty']);
			const bytes = readFileSync(crashed.core).subarray(0, 400_000);
			const path = join(crashed.folder, 'mutant');
			const file = openSync(path, 'w');
			const random = generator(20261124);
			writeFileSync(file, bytes);
			const { writeSync, closeSync } = await import('node:fs');
			for (let round = 0; round < 3_000; round++) {
				// Most of what is interesting stands in the headers and notes.
				const at = Math.floor(random() ** 3 * (bytes.length - 8));
				const change = Buffer.alloc(1 + Math.floor(random() * 8), Math.floor(random() * 256));
				writeSync(file, change, 0, change.length, at);
				await readPass(path).catch((error: unknown) => {
					if (!(error instanceof CorefileError)) throw new Error(`round ${round}, byte ${at}, ${change.toString('hex')}`, { cause: error });
				});
				if (round % 5 !== 4) writeSync(file, bytes.subarray(at, at + 8), 0, 8, at);
				if (round % 100 === 99) writeSync(file, bytes, 0, bytes.length, 0);
			}
			closeSync(file);
		},
		120_000,
	);
});

/** The smallest core there is, with one thing wrong. */
function elf({
	bits = 2,
	order = 1,
	type = 4,
	machine = 62,
	phoff = 64n,
	phnum = 1,
	phentsize = 56,
	shoff = 0n,
	info = 0,
	segmentOffset = 120n,
	segmentSize = 0n,
} = {}): Buffer {
	const bytes = Buffer.alloc(256);
	bytes.write('\x7fELF', 'latin1');
	bytes[4] = bits;
	bytes[5] = order;
	bytes.writeUInt16LE(type, 16);
	bytes.writeUInt16LE(machine, 18);
	bytes.writeBigUInt64LE(phoff, 32);
	bytes.writeBigUInt64LE(shoff, 40);
	bytes.writeUInt16LE(phentsize, 54);
	bytes.writeUInt16LE(phnum, 56);
	bytes.writeUInt32LE(1, 64);
	bytes.writeBigUInt64LE(segmentOffset, 72);
	bytes.writeBigUInt64LE(segmentSize, 96);
	bytes.writeBigUInt64LE(segmentSize, 104);
	if (shoff > 0n) bytes.writeUInt32LE(info, Number(shoff) + 44);
	return bytes;
}

/** The same core with so many program headers: empty segments are added, at addresses that no process has. */
function withManySegments(core: Buffer, count: number): Buffer {
	const own = core.readUInt16LE(56);
	const shift = Math.ceil(((count - own) * 56) / 4096) * 4096;
	const table = Buffer.alloc(count * 56);
	core.copy(table, 0, 64, 64 + own * 56);
	for (let index = 0; index < own; index++) {
		const at = index * 56 + 8;
		table.writeBigUInt64LE(table.readBigUInt64LE(at) + BigInt(index === 0 ? (count - own) * 56 : shift), at);
	}
	for (let index = own; index < count; index++) {
		table.writeUInt32LE(1, index * 56);
		table.writeBigUInt64LE(0xffff_8000_0000_0000n + BigInt(index * 4096), index * 56 + 16);
		table.writeBigUInt64LE(4096n, index * 56 + 40);
	}
	const notes = core.subarray(64 + own * 56);
	const noteBytes = Number(core.readBigUInt64LE(64 + 32));
	const firstLoad = Number(core.readBigUInt64LE(64 + 56 + 8));
	const header = Buffer.from(core.subarray(0, 64));
	const section = Buffer.alloc(64);
	const size = core.length + shift;
	section.writeUInt32LE(count, 44);
	header.writeUInt16LE(0xffff, 56);
	header.writeBigUInt64LE(BigInt(size), 40);
	header.writeUInt16LE(64, 58);
	header.writeUInt16LE(1, 60);
	const head = Buffer.concat([header, table, notes.subarray(0, noteBytes)]);
	return Buffer.concat([head, Buffer.alloc(firstLoad + shift - head.length), core.subarray(firstLoad), section]);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
		return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
	};
}
