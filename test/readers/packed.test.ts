import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { unpackForeign, unpackSparsely } from '../../src/drivers/compression/compression.ts';
import { type Corefile, CorefileError, NoUnpackerError, readHead, readPass } from '../../src/readers/corefile/corefile.ts';
import { apportReport } from '../support/apport.ts';
import { crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';
import { packings } from '../support/packing.ts';

const options = { unpackForeign, environmentNames: ['HOSTNAME'] };

/** All that can be compared. */
const said = ({ locate: _, extentAt: __, segments: ___, ...corefile }: Corefile) => corefile;

describe('packed cores', () => {
	for (const { name, encoding, pack } of packings) {
		crashTest(`${name}: the pass says the same as of the plain core, the head all that stands near the start`, async () => {
			await using crashed = await crash(await program('faults.c'), ['fifty'], { environment: { HOSTNAME: 'a' } });
			const plain = said(await readPass(crashed.core, options));
			const path = await pack(crashed.core);
			const pass = said(await readPass(path, options));
			expect(pass).toEqual({ ...plain, encoding, sizeBytes: statSync(path).size, uncompressedBytes: plain.sizeBytes });
			const head = await readHead(path, options);
			expect(head).toMatchObject({ complete: 'unknown', threads: plain.threads, siginfo: plain.siginfo, process: plain.process });
			expect(head.modules.find(({ path }) => path === plain.executable)?.buildId).toMatch(/^[0-9a-f]{40}$/);
		});

		crashTest(`${name}: cut in the middle, it yields what is there and says so`, async () => {
			await using crashed = await crash(await program('faults.c'), ['fifty'], { environment: { FILL_MB: '16' } });
			const path = await pack(crashed.core);
			const packed = readFileSync(path);
			writeFileSync(path, packed.subarray(0, packed.length * 0.9));
			const { complete, threads, problems } = await readPass(path, options);
			expect({ complete, threads: threads.length }).toEqual({ complete: 'truncated', threads: 50 });
			expect(problems).toContain(`the ${encoding} data ends in the middle`);
		});

		crashTest(`${name}: the head of a large one is read without unpacking the rest`, async () => {
			await using crashed = await crash(await program('faults.c'), ['null'], { environment: { FILL_MB: '64' } });
			const path = await pack(crashed.core);
			const read: number[] = [];
			const head = await readHead(path, { ...options, onProgress: (share) => read.push(share) });
			expect(head).toMatchObject({ complete: 'unknown', threads: [{ signal: 11 }] });
			expect(read.length).toBeGreaterThan(0);
			expect(Math.max(...read)).toBeLessThan(0.5);
		});
	}

	for (const { name, encoding, pack } of packings.filter(({ name }) => !name.includes('legacy') && !name.includes('zlib'))) {
		crashTest(`${name}: damaged in the middle, it says so`, async () => {
			await using crashed = await crash(await program('faults.c'), ['fifty'], { environment: { FILL_MB: '16' } });
			const path = await pack(crashed.core);
			const packed = readFileSync(path);
			packed.write('A'.repeat(4000), packed.length >> 1);
			writeFileSync(path, packed);
			const { problems } = await readPass(path, options);
			expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^the ${encoding} data is damaged: `)));
		});
	}
});

describe('what stands behind the data of a whole core is told of, and is no damage', () => {
	for (const [packing, garbage, words] of [
		['gzip', 'garbage', /^something stands behind the gzip data that does not belong to it/],
		['gzip', '\0'.repeat(512), undefined],
		['zstd', 'garbage', /^something stands behind the zstd data that does not belong to it/],
	] as const) {
		crashTest(`${packing} followed by ${JSON.stringify(garbage.slice(0, 7))}, read as it is and unpacked`, async () => {
			await using crashed = await crash(await program('faults.c'), ['null']);
			await exec(packing, ['-q', '-k', crashed.core]);
			const path = `${crashed.core}.${packing === 'gzip' ? 'gz' : 'zst'}`;
			appendFileSync(path, garbage);
			const { complete, problems, uncompressedBytes } = await readPass(path, options);
			expect({ complete, uncompressedBytes }).toEqual({ complete: 'yes', uncompressedBytes: statSync(crashed.core).size });
			expect(problems).toEqual(words ? [expect.stringMatching(words)] : []);
			const { ending, sizeBytes } = await unpackedInto(`${crashed.core}.copy`, path, packing, 1e9);
			expect({ ending, sizeBytes }).toEqual({
				ending: words && { isDamaged: false, words: problems[0] },
				sizeBytes: statSync(crashed.core).size,
			});
		});
	}
});

crashTest('known damage is never complete, also where all bytes are there', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	await exec('gzip', ['-k', crashed.core]);
	const packed = readFileSync(`${crashed.core}.gz`);
	packed.fill(0xff, packed.length - 8, packed.length - 4); // its checksum
	writeFileSync(`${crashed.core}.gz`, packed);
	const { complete, problems } = await readPass(`${crashed.core}.gz`, options);
	expect(complete).toBe('unknown');
	expect(problems).toEqual([expect.stringMatching(/^the gzip data is damaged: .*crc error/)]);
});

crashTest('zstd data that begins with a frame to be skipped, as pzstd writes it, is zstd', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	const path = `${crashed.core}.zst`;
	writeFileSync(path, Buffer.concat([Buffer.from('502a4d1804000000aabbccdd', 'hex'), zstdCompressSync(readFileSync(crashed.core))]));
	expect(await readPass(path, options)).toMatchObject({ encoding: 'zstd', complete: 'yes', problems: [] });
});

crashTest('the program that unpacks ends where there is no room for more', async () => {
	await using crashed = await crash(await program('faults.c'), ['null'], { environment: { FILL_MB: '64' } });
	await exec('zstd', ['-q', '-k', crashed.core]);
	await expect(unpackedInto(`${crashed.core}.copy`, `${crashed.core}.zst`, 'zstd', 1 << 20)).rejects.toThrow('there is room for');
	await expect.poll(children).not.toContain('zstd');
});

async function unpackedInto(path: string, from: string, packing: 'gzip' | 'zstd', maxBytes: number) {
	await using source = await open(from);
	await using to = await open(path, 'wx');
	return await unpackSparsely(source, packing, to, { maxBytes, mostBytes: 1e12, signal: new AbortController().signal });
}

const children = async () => (await exec('ps', ['--ppid', String(process.pid), '-o', 'comm='])).stdout.split('\n');

describe('what is packed and no core is refused in words', () => {
	const cases: readonly (readonly [name: string, bytes: Buffer | (() => Promise<string>), message: RegExp])[] = [
		[
			'nothing behind the mark of lz4',
			Buffer.from('04224d18', 'hex'),
			/^is not a core dump that can be unpacked: the lz4 data ends in the middle/,
		],
		['nothing behind the mark of xz', Buffer.from('fd377a585a00', 'hex'), /^is not a core dump that can be unpacked: the xz data/],
		['rubbish behind the mark of lz4', Buffer.from(`04224d18${'ff'.repeat(100)}`, 'hex'), /unpacked: the lz4 data is damaged: .*lz4/],
		[
			'rubbish behind the mark of zstd',
			Buffer.from(`28b52ffd${'ff'.repeat(100)}`, 'hex'),
			/^is not a core dump that can be unpacked: the zstd data (is damaged|needs)/,
		],
		['rubbish behind the mark of gzip', Buffer.from(`1f8b08${'ff'.repeat(100)}`, 'hex'), /unpacked: the gzip data is damaged: /],
		[
			'zstd data with a window that is too large',
			Buffer.from('28b52ffd00a800', 'hex'),
			/^is not a core dump that can be unpacked: the zstd data needs more memory than 128 MiB/,
		],
		['gzip inside of zstd', zstdCompressSync(gzipSync('core')), /^is packed with gzip and then with zstd: unpack it first/],
		['bzip2', Buffer.from('BZh91AY&SY'), /^is packed with bzip2; \.zst, \.gz, \.lz4 and \.xz are read: unpack it first/],
		['a report without a core', () => apportReport({ ProblemType: 'Bug' }, undefined), /: the report has no core in it \(CoreDump\)/],
		[
			'a report whose core is text',
			() => apportReport({}, Buffer.from('core dumped\n'.repeat(100))),
			/^is not a core dump: expected an ELF file/,
		],
		[
			'a report whose core is not base64',
			async () => `${await apportReport({}, undefined)}CoreDump: base64\n !!!!\n ????\n`,
			/^is not a core dump that can be unpacked: the apport data ends in the middle/,
		],
	];
	for (const [name, content, message] of cases) {
		test(name, async () => {
			await using folder = await temporaryFolder();
			const path = join(folder.path, 'file');
			writeFileSync(path, typeof content === 'function' ? await content() : content);
			for (const read of [readHead, readPass]) {
				const error = await read(path, options).catch((thrown: unknown) => thrown);
				expect(error).toBeInstanceOf(CorefileError);
				expect((error as CorefileError).message).toMatch(message);
			}
		});
	}

	test('a report of endless text is not read to its end', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'endless.crash');
		writeFileSync(path, 'ProblemType: Crash\n');
		await exec('truncate', ['-s', '100G', path]);
		await expect(readHead(path)).rejects.toThrow('the report has no core in it');
	});

	test('a program that is not installed is named, with the package that brings it', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'core.xz');
		writeFileSync(path, Buffer.from('fd377a585a000000', 'hex'));
		const { PATH } = process.env;
		process.env.PATH = folder.path;
		try {
			const error = await readHead(path, options).catch((thrown: unknown) => thrown);
			expect(error).toBeInstanceOf(NoUnpackerError);
			expect((error as Error).message).toBe('xz is not installed, which unpacks it; as root: apt-get install xz-utils');
		} finally {
			process.env.PATH = PATH;
		}
		await expect(readHead(path)).rejects.toThrow('is packed with xz, which is not unpacked here: unpack it first');
	});
});

crashTest(
	'mutations of a report: an answer or a CorefileError, nothing else',
	async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const report = Buffer.from(await apportReport({ ExecutablePath: '/milvus/bin/milvus' }, readFileSync(crashed.core)), 'latin1');
		const path = `${crashed.core}.crash`;
		for (let round = 0; round < 500; round++) {
			const mutant = Buffer.from(report);
			const at = Math.floor((round / 500) ** 2 * (mutant.length - 4));
			mutant.set(['\n', '\n ', ' \n', '=', '====', 'x', '\0', '\xff'].map((text) => Buffer.from(text, 'latin1'))[round % 8] ?? [], at);
			writeFileSync(path, mutant);
			const error = await readPass(path).catch((thrown: unknown) => thrown);
			if (error instanceof Error && !(error instanceof CorefileError)) throw new Error(`round ${round}, byte ${at}`, { cause: error });
		}
	},
	60_000,
);

crashTest('notes among the memory are read, and the memory behind them', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	const whole = readFileSync(crashed.core);
	const path = `${crashed.core}.zst`;
	const [PT_LOAD, PT_NOTE] = [1, 4];
	let count = 0;
	for (let header = 64; header < 64 + 56 * whole.readUInt16LE(56); header += 56) {
		if (whole.readUInt32LE(header) !== PT_LOAD) continue;
		const mutant = Buffer.from(whole);
		mutant.writeUInt32LE(PT_NOTE, header);
		writeFileSync(path, zstdCompressSync(mutant));
		expect((await readPass(path)).threads).toHaveLength(1);
		count++;
	}
	expect(count).toBeGreaterThan(10);
});

crashTest('the program that unpacks ends with the reading of the head', async () => {
	await using crashed = await crash(await program('faults.c'), ['null'], { environment: { FILL_MB: '64' } });
	await exec('lz4', ['-q', '-m', crashed.core]);
	await readHead(`${crashed.core}.lz4`, options);
	await expect.poll(children).not.toContain('lz4');
});
