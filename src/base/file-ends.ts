import type { FileHandle } from 'node:fs/promises';

/** The first bytes of a file, at most so many. */
export async function startOfFile(file: FileHandle, mostBytes: number): Promise<Buffer> {
	const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0);
	return buffer.subarray(0, bytesRead);
}

/** The last bytes of a file, at most so many, as it is now. */
export async function endOfFile(file: FileHandle, mostBytes: number): Promise<{ readonly end: Buffer; readonly sizeBytes: number }> {
	const { size: sizeBytes } = await file.stat();
	const length = Math.min(sizeBytes, mostBytes);
	const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, sizeBytes - length);
	return { end: buffer.subarray(0, bytesRead), sizeBytes };
}
