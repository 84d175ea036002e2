import { createHash } from 'node:crypto';
import type { StoredCore } from '../../domain/stored-file.ts';

/** Compares what comes from a store with what was put there, as it comes. */
export type Check = {
	/** @returns whether it makes sense to read on */
	add(chunk: Uint8Array): boolean;
	readonly sizeBytes: number;
	/** At the end: in words what is wrong, if anything is. */
	damage(): string | undefined;
};

export function checkAgainst({ sha256, sizeBytes }: Pick<StoredCore, 'sha256' | 'sizeBytes'>): Check {
	const hash = createHash('sha256');
	let size = 0;
	return {
		add(chunk) {
			size += chunk.length;
			hash.update(chunk);
			return size <= sizeBytes;
		},
		get sizeBytes() {
			return size;
		},
		damage() {
			if (size > sizeBytes) return `it has more than its ${sizeBytes} bytes`;
			if (size < sizeBytes) return `it has ${size} bytes instead of ${sizeBytes}`;
			const found = hash.digest('hex');
			return found === sha256 ? undefined : `its SHA-256 is ${found} instead of ${sha256}`;
		},
	};
}
