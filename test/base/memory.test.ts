import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileChunks } from '../../src/base/file-chunks.ts';
import { release } from '../../src/base/release.ts';
import { temporaryFolder } from '../support/crash.ts';

test.each([0, 1, 256 * 1024, 1_000_000])('a file is read to its end from byte %i on, in one and the same memory', async (from) => {
	await using folder = await temporaryFolder();
	const bytes = randomBytes(1_000_000);
	writeFileSync(join(folder.path, 'file'), bytes);
	await using file = await open(join(folder.path, 'file'));
	const read: Buffer[] = [];
	const memory = new Set<ArrayBufferLike>();
	for await (const chunk of fileChunks(file, undefined, from)) {
		read.push(Buffer.from(chunk));
		memory.add(chunk.buffer);
	}
	expect(Buffer.concat(read).equals(bytes.subarray(from))).toBe(true);
	expect(memory.size).toBe(from < bytes.length ? 1 : 0);
});

test('reading a file ends at the signal', async () => {
	await using file = await open('/dev/zero');
	const stop = new AbortController();
	const reading = async () => {
		for await (const chunk of fileChunks(file, stop.signal)) if (chunk.length > 0) stop.abort();
	};
	await expect(reading()).rejects.toThrow('aborted');
});

test('memory that is released is empty at once, but not where others use a part of it', () => {
	const whole = Buffer.allocUnsafeSlow(1000);
	release(whole.subarray(10));
	expect(whole).toHaveLength(1000);
	release(whole);
	expect([whole.length, whole.buffer.byteLength]).toEqual([0, 0]);
	release(whole);
});
