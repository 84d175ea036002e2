import { createCipheriv, createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { coreFile, prpsinfo, prstatus } from '../support/corefile.ts';

/** A core of a run: the same again for the same seed and index. */
export type SoakCore = {
	readonly name: string;
	/** As it lies in the agent's folder. */
	readonly bytes: Buffer;
	/** Of the core itself, unpacked, in hex. */
	readonly sha256: string;
};

const machine = 62; // EM_X86_64
/** More than two parts of an upload to S3. */
const largeBytes = 17 << 20;

/**
 * A whole core whose memory is noise, so that it does not get smaller. Of ten, one takes three parts of an upload; each
 * second of these is packed already, and has a name of systemd-coredump.
 *
 * @param owner the node that it is of
 * @param kin cores of the same kin and index have the same content
 */
export function soakCore(seed: number, index: number, owner = '', kin = owner): SoakCore {
	const isLarge = index % 10 === 1;
	const isPacked = index % 20 === 1;
	const size = isLarge ? largeBytes : 20_000 + ((index * 7919) % 600_000);
	const registers = new Array<bigint>(27).fill(0n);
	const core = coreFile(
		machine,
		[prstatus({ id: index + 1, signal: 11, registers }), prpsinfo(index + 1, 'milvus', 'milvus run')],
		[{ address: 0x10000n, flags: 6, bytes: noise(`${seed}/${kin}/${index}`, size) }],
	);
	const sha256 = createHash('sha256').update(core).digest('hex');
	if (!isPacked) return { name: `core.${index}`, bytes: core, sha256 };
	const bootId = createHash('md5').update(owner).digest('hex');
	const name = `core.milvus.0.${bootId}.${index + 1}.1795420882000000.zst`;
	return { name, bytes: zstdCompressSync(core), sha256 };
}

/** Puts it there in one step. */
export function deliverTo(folder: string, { name, bytes }: SoakCore): void {
	const part = join(folder, `.${name}`);
	writeFileSync(part, bytes);
	renameSync(part, join(folder, name));
}

function noise(key: string, sizeBytes: number): Buffer {
	const hash = createHash('sha256').update(key).digest();
	return createCipheriv('aes-128-ctr', hash.subarray(0, 16), hash.subarray(16)).update(Buffer.alloc(sizeBytes));
}
