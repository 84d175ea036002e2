import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Corefile, type Range, readPass, slimPlan } from '../../src/readers/corefile/corefile.ts';
import { coreFile, prstatus, smallCore } from '../support/corefile.ts';
import { exec, temporaryFolder } from '../support/crash.ts';

const page = 4096;
const thread = prstatus({ id: 7, signal: 11, registers: Array(27).fill(0n) });
/** Each page is filled with its number. */
const pages = (count: number, first = 1) =>
	Buffer.concat(Array.from({ length: count }, (_, index) => Buffer.alloc(page, (first + index) % 256)));

async function written(core: Buffer, folder: string, kept: (corefile: Corefile) => readonly Range[], isWhole = true) {
	const [path, to] = [join(folder, 'whole'), join(folder, 'slim')];
	await writeFile(path, core);
	const whole = await readPass(path);
	const { segments, architecture } = whole;
	const notes = segments.noteSegments.map(({ p_offset, p_filesz }) => ({ start: Number(p_offset), end: Number(p_offset + p_filesz) }));
	const original = { machine: architecture.machine, segments, originalBytes: core.length, originalComplete: whole.complete };
	const plan = slimPlan(original, kept(whole), isWhole ? notes : []);
	const parts: Buffer[] = [];
	for (const part of plan.parts()) parts.push(part.is === 'bytes' ? Buffer.from(part.bytes) : core.subarray(part.start, part.end));
	await writeFile(to, Buffer.concat(parts));
	expect(Buffer.concat(parts)).toHaveLength(plan.sizeBytes);
	return { path: to, whole, slim: await readPass(to) };
}

async function byteAt(path: string, corefile: Corefile, address: bigint): Promise<number | undefined> {
	const extent = corefile.extentAt(address);
	if (!extent) return undefined;
	await using file = await open(path);
	return (await file.read(Buffer.alloc(1), 0, 1, extent.offset)).buffer[0];
}

test('what is kept stands where it was, and what is left out is known to have been mapped, and not there', async () => {
	await using folder = await temporaryFolder();
	const loads = [
		{ address: 0x10000n, flags: 6, bytes: pages(5) },
		{ address: 0x20000n, flags: 5, bytes: pages(2, 20) },
		{ address: 0x30000n, flags: 4, bytes: pages(1, 30) },
	];
	const core = coreFile(62, [thread], loads);
	const kept = (corefile: Corefile) =>
		[0x11000n, 0x13000n, 0x30000n].map((address) => {
			const start = corefile.extentAt(address)?.offset ?? 0;
			return { start, end: start + page };
		});
	const { path, slim, whole } = await written(core, folder.path, kept);
	expect(slim).toMatchObject({ complete: 'yes', threads: whole.threads, slim: { originalBytes: core.length, originalComplete: 'yes' } });
	expect(whole.slim).toBeUndefined();
	const found = [];
	for (const address of [0x10000n, 0x11000n, 0x11fffn, 0x12000n, 0x13000n, 0x14000n, 0x20000n, 0x21fffn, 0x30000n, 0x31000n])
		found.push([await byteAt(path, slim, address), slim.segments.containing(address)?.p_flags]);
	expect(found).toEqual([
		[undefined, 6],
		[2, 6],
		[2, 6],
		[undefined, 6],
		[4, 6],
		[undefined, 6],
		[undefined, 5],
		[undefined, 5],
		[30, 4],
		[undefined, undefined],
	]);
	const { stderr } = await exec('readelf', ['-hlnW', path]);
	expect(stderr).toBe('');
});

test('bytes that several segments share are kept once', async () => {
	await using folder = await temporaryFolder();
	const core = coreFile(
		62,
		[thread],
		[
			{ address: 0x10000n, flags: 6, bytes: pages(4) },
			{ address: 0x20000n, flags: 6, bytes: pages(4, 20) },
		],
	);
	const second = 64 + 2 * 56;
	core.copy(core, second + 8, 64 + 56 + 8, 64 + 56 + 16); // p_offset
	const all = (corefile: Corefile) => {
		const start = corefile.extentAt(0x10000n)?.offset ?? 0;
		return [{ start, end: start + 4 * page }];
	};
	const { path, slim } = await written(core, folder.path, all);
	expect([await byteAt(path, slim, 0x13000n), await byteAt(path, slim, 0x23000n)]).toEqual([4, 4]);
	expect(slim.sizeBytes).toBeLessThan(6 * page);
});

test('more than 65,534 stretches are written as elf(5) says', async () => {
	await using folder = await temporaryFolder();
	const count = 34_000;
	const core = coreFile(62, [thread], [{ address: 0x10000000n, flags: 6, bytes: pages(2 * count) }]);
	const kept = (corefile: Corefile) => {
		const start = corefile.extentAt(0x10000000n)?.offset ?? 0;
		return Array.from({ length: count }, (_, index) => ({ start: start + 2 * index * page, end: start + (2 * index + 1) * page }));
	};
	const { path, slim } = await written(core, folder.path, kept);
	expect(slim).toMatchObject({ complete: 'yes', problems: [], threads: [{ id: 7 }] });
	expect(slim.segments.count).toBe(2 * count + 1);
	const at = (index: number) => 0x10000000n + BigInt(index * page);
	expect([await byteAt(path, slim, at(60_000)), slim.extentAt(at(60_001))]).toEqual([60_001 % 256, undefined]);
	const { stdout, stderr } = await exec('readelf', ['-hW', path]);
	expect(stdout).toContain(`65535 (${2 * count + 1})`);
	expect(stderr).toBe('');
	await exec('zstd', ['-q', '-1', path]);
	expect(await readPass(`${path}.zst`)).toMatchObject({ slim: slim.slim, threads: slim.threads });
});

test('notes that are not there leave a core that says no more than that it is slim', async () => {
	await using folder = await temporaryFolder();
	const { slim } = await written(smallCore(3), folder.path, () => [], false);
	expect(slim).toMatchObject({ slim: { originalComplete: 'yes' }, threads: [] });
});
