import { closeSync, createReadStream, openSync, readFileSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const pieceBytes = 64 * 1024;
/** 128 MB of each kind: far more than zstd sees at once, so that one that comes again is as one that is new. */
const mostPieces = 2000;

/**
 * Writes what packs like the core of a database: a third is memory that was never touched, a third vectors of random numbers, which hardly can be packed,
 * and a third the memory of this process, code and data.
 */
export async function makeCore(path: string, sizeBytes: number): Promise<void> {
	const zeros = [Buffer.alloc(pieceBytes)];
	const kinds = [zeros, ownMemory(), Array.from({ length: mostPieces }, vectors)];
	await using file = await open(path, 'w');
	for (let written = 0; written < sizeBytes; written += pieceBytes) await file.write(anyOf(anyOf(kinds)));
	await file.truncate(sizeBytes);
	await file.sync();
}

/** Writes a core with holes, as the kernel leaves for memory that was never touched: ten stretches of another one, far from each other. */
export async function makeSparse(path: string, sizeBytes: number, from: string, dataBytes: number): Promise<void> {
	await using file = await open(path, 'w');
	await file.truncate(sizeBytes);
	for (let index = 0; index < 10; index++) {
		const start = (index * dataBytes) / 10;
		await copyTo(file, Math.floor((index * sizeBytes) / 10), from, start, start + dataBytes / 10 - 1);
	}
	await file.sync();
}

async function copyTo(file: FileHandle, to: number, from: string, start: number, end: number): Promise<void> {
	let at = to;
	for await (const chunk of createReadStream(from, { start, end })) at += (await file.write(chunk, 0, chunk.length, at)).bytesWritten;
}

function anyOf<T>(list: readonly T[]): T {
	const one = list[Math.floor(Math.random() * list.length)];
	if (one === undefined) throw new Error('there is none');
	return one;
}

/** Numbers between 0 and 1 in single precision. */
const vectors = () => Buffer.from(Float32Array.from({ length: pieceBytes / 4 }, Math.random).buffer);

/** Pieces of what is mapped here, but for those of zeros: proc_pid_maps(5), proc_pid_mem(5). */
function ownMemory(): readonly Buffer[] {
	const pieces: Buffer[] = [];
	const memory = openSync('/proc/self/mem', 'r');
	const maps = readFileSync('/proc/self/maps', 'latin1').split('\n');
	for (const map of maps.filter((line) => !line.includes('[v'))) {
		const [, from, to] = /^(\w+)-(\w+) r/.exec(map) ?? [];
		if (from === undefined || to === undefined) continue;
		const end = BigInt(`0x${to}`) - BigInt(pieceBytes);
		for (let at = BigInt(`0x${from}`); at <= end && pieces.length < mostPieces; at += BigInt(pieceBytes)) {
			const piece = Buffer.alloc(pieceBytes);
			readSync(memory, piece, 0, pieceBytes, at);
			if (piece.some((byte) => byte !== 0)) pieces.push(piece);
		}
	}
	closeSync(memory);
	return pieces;
}
