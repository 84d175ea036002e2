import type { FileHandle } from 'node:fs/promises';
import { runsOfData } from '../../../drivers/compression/compression.ts';
import type { SlimPlan } from '../../../readers/corefile/corefile.ts';

const pieceBytes = 256 * 1024;

/** Writes a slim core, with holes where there are only zeros. What the original's file does not hold of what was planned is left as zeros. */
export async function writeSlim(plan: SlimPlan, from: FileHandle, to: FileHandle, signal: AbortSignal | undefined): Promise<void> {
	const piece = Buffer.alloc(pieceBytes);
	let at = 0;
	for (const part of plan.parts()) {
		if (part.is === 'bytes') {
			await to.write(part.bytes, 0, part.bytes.length, at);
			at += part.bytes.length;
			continue;
		}
		for (let offset = part.start; offset < part.end; ) {
			signal?.throwIfAborted();
			const { bytesRead } = await from.read(piece, 0, Math.min(pieceBytes, part.end - offset), offset);
			if (bytesRead === 0) break;
			for (const [start, end] of runsOfData(piece.subarray(0, bytesRead)))
				await to.write(piece, start, end - start, at + offset - part.start + start);
			offset += bytesRead;
		}
		at += part.end - part.start;
	}
	await to.truncate(plan.sizeBytes);
}
