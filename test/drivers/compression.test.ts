import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Compression, packed, unpackXz } from '../../src/drivers/compression/compression.ts';
import { PackedDataError } from '../../src/readers/bytes/bytes.ts';
import { exec, temporaryFolder } from '../support/crash.ts';
import { packedWith } from '../support/packing.ts';

/** More than zstd sees at once; machine code, as in a core. */
const content = readFileSync(process.execPath).subarray(0, 600_000);

/** Packs it, and says what comes out. */
async function packs(compression: Compression) {
	await using folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	writeFileSync(place('plain'), Buffer.concat([content, content]));
	await using file = await open(place('plain'));
	const copies = Array.fromAsync(packed(file, compression, new AbortController().signal), (chunk) => Buffer.from(chunk));
	const bytes = Buffer.concat(await copies);
	writeFileSync(place('packed'), bytes);
	const unpacked = await exec(compression.is, ['-dc', place('packed')], { encoding: 'buffer', maxBuffer: 1 << 28 });
	expect(readFileSync(place('plain')).equals(unpacked.stdout as unknown as Buffer)).toBe(true);
	const about = compression.is === 'zstd' ? (await exec('zstd', ['-lv', place('packed')])).stdout : '';
	return { bytes, about };
}

test('a higher level packs it smaller', async () => {
	const sizeAt = async (compression: Compression) => (await packs(compression)).bytes.length;
	const zstd = await Promise.all([1, 3, 9].map((level) => sizeAt({ ...packedWith.zstd, level })));
	expect(zstd.toSorted((one, other) => other - one)).toEqual(zstd);
	expect(new Set(zstd).size).toBe(3);
	expect(await sizeAt({ ...packedWith.gzip, level: 9 })).toBeLessThan(await sizeAt(packedWith.gzip));
});

test('zstd sees no further back at the highest level than at the first, so that it takes no more memory, and leaves a checksum', async () => {
	for (const [level, threads] of [
		[1, 4],
		[19, 1],
		[19, 4],
	] as const) {
		const { about } = await packs({ is: 'zstd', level, threads });
		expect(about).toContain('Window Size: 512 KiB');
		expect(about).toContain('Check: XXH64');
	}
});

test('what xz packed is unpacked in memory, unless it is longer than allowed, or damaged', async () => {
	await using folder = await temporaryFolder();
	const plain = join(folder.path, 'plain');
	writeFileSync(plain, content);
	await exec('xz', ['-k', plain]);
	const packed = readFileSync(`${plain}.xz`);
	expect((await unpackXz(packed, content.length)).equals(content)).toBe(true);
	await expect(unpackXz(packed, content.length - 1)).rejects.toThrow(
		new PackedDataError('is longer than 599999 bytes when it is unpacked'),
	);
	await expect(unpackXz(packed.subarray(0, 1000), content.length)).rejects.toThrow(new PackedDataError('the xz data ends in the middle'));
	await expect(unpackXz(Buffer.from('something else'), content.length)).rejects.toThrow(PackedDataError);
});
