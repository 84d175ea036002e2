import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readHead, readPass } from '../../src/readers/corefile/corefile.ts';
import { auxv, coreFile, mappedFiles, moduleStart, prpsinfo, prstatus, siginfo } from '../support/corefile.ts';
import { exec, root, temporaryFolder } from '../support/crash.ts';

const machine = 183;
const registerNames = [...Array.from({ length: 31 }, (_, index) => `x${index}`), 'sp', 'pc', 'pstate'];
const buildId = 'c0ffee00'.repeat(5);
const base = 0xaaaa_bbbb_0000n;

/** No machine at hand makes one with all that a kernel writes: made by hand, from the kernel's definitions. */
function madeByHand(): Buffer {
	const registers = (first: bigint) => registerNames.map((_, index) => first + BigInt(index));
	const module = moduleStart(machine, buildId);
	return coreFile(
		machine,
		[
			prstatus({ id: 4712, signal: 11, registers: registers(0x1000n).with(32, base + 0x40n) }),
			prpsinfo(4711, 'milvus', '/milvus/bin/milvus run querynode'),
			siginfo(11, 1, 0x10n),
			auxv({ 9: base + 0x40n }),
			mappedFiles([{ start: base, end: base + 0x1000n, path: '/milvus/bin/milvus' }]),
			prstatus({ id: 4711, signal: 0, registers: registers(0xffff_0000_0000_0000n) }),
		],
		[{ address: base, flags: 5, bytes: module }],
	);
}

/** What eu-readelf says of each thread. */
async function threadsByElfutils(core: string) {
	const { stdout } = await exec('eu-readelf', ['-n', core]);
	const threads = stdout.split(/^ {2}CORE\s+\d+\s+PRSTATUS$/m).slice(1);
	const value = (text: string, name: string) => {
		const digits = new RegExp(`\\b${name}:\\s+(-?\\w+)`).exec(text)?.[1] ?? '0';
		return `0x${BigInt.asUintN(64, BigInt(digits)).toString(16)}`;
	};
	return threads.map((text) => ({
		id: Number(/ pid: (\d+)/.exec(text)?.[1]),
		signal: Number(/cursig: (\d+)/.exec(text)?.[1]),
		registers: Object.fromEntries(registerNames.map((name) => [name, value(text, name)])),
	}));
}

describe('cores of aarch64', () => {
	test('made by hand: each field is where the kernel puts it', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'core');
		writeFileSync(path, madeByHand());
		const { locate, ...corefile } = await readPass(path);
		expect(corefile).toMatchObject({
			complete: 'yes',
			problems: [],
			architecture: { name: 'aarch64', programCounter: 'pc', stackPointer: 'sp' },
			process: { pid: 4711, name: 'milvus', arguments: '/milvus/bin/milvus run querynode' },
			siginfo: { signal: 11, code: 1, address: '0x10' },
			executable: '/milvus/bin/milvus',
			modules: [{ path: '/milvus/bin/milvus', base: '0xaaaabbbb0000', buildId }],
		});
		expect(corefile.threads.map(({ id }) => id)).toEqual([4712, 4711]);
		expect(corefile.threads[0]?.registers).toMatchObject({
			x0: '0x1000',
			x30: '0x101e',
			sp: '0x101f',
			pc: '0xaaaabbbb0040',
			pstate: '0x1021',
		});
		expect(locate('0xaaaabbbb0040')).toEqual({ module: '/milvus/bin/milvus', offset: '0x40' });
		expect(corefile.threads).toEqual(await threadsByElfutils(path));
	});

	test('genuine, of an emulator: the same as elfutils say', async () => {
		await using folder = await temporaryFolder();
		const fixtures = join(root, 'test/fixtures/cores/qemu-aarch64');
		const [name = ''] = readdirSync(fixtures).filter((name) => name.endsWith('.zst'));
		const path = join(folder.path, 'core');
		writeFileSync(path, zstdDecompressSync(readFileSync(join(fixtures, name))));
		const plain = await readPass(path, { environmentNames: ['HOSTNAME'] });
		expect(plain).toMatchObject({
			complete: 'yes',
			problems: [],
			architecture: { name: 'aarch64' },
			process: { name: 'milvus', arguments: './milvus null' },
			initialStack: { arguments: ['./milvus', 'null'], environment: { HOSTNAME: 'my-release-milvus-querynode-0' } },
		});
		expect(plain.threads).toHaveLength(1);
		expect(plain.threads).toEqual(await threadsByElfutils(path));
		expect(plain.threads[0]?.registers).toMatchObject({ pc: '0x5500000d1c', x0: '0x10', x1: '0x1' });
		expect((await readHead(join(fixtures, name))).threads).toEqual(plain.threads);
	});
});
