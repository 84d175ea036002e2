/**
 * What tells that a core is slim: a note of our own. Its description has a version, whether the original was complete (as the index of the word), and
 * the original's size, unpacked, in bytes: 4, 4 and 8 bytes.
 */
export type Slim = {
	readonly originalBytes: number;
	readonly originalComplete: 'yes' | 'truncated' | 'unknown';
};

export const slimNoteName = 'MilvusCA';
export const slimNoteType = 1;

const words = ['unknown', 'yes', 'truncated'] as const;
const [version, descriptionBytes] = [1, 16];

/** Answers what is wrong, in words, if it can't be read. */
export function readSlimNote(description: Buffer): Slim | string {
	if (description.length < descriptionBytes) return `${description.length} bytes; expected ${descriptionBytes}`;
	if (description.readUInt32LE(0) !== version) return `it is of version ${description.readUInt32LE(0)}; expected ${version}`;
	return {
		originalBytes: Number(description.readBigUInt64LE(8)),
		originalComplete: words[description.readUInt32LE(4)] ?? 'unknown',
	};
}

/** The whole note, header and name with it, filled up to 4 bytes. */
export function slimNote({ originalBytes, originalComplete }: Slim): Buffer {
	const name = Buffer.from(`${slimNoteName}\0`.padEnd(12, '\0'));
	const note = Buffer.alloc(12 + name.length + descriptionBytes);
	note.writeUInt32LE(slimNoteName.length + 1, 0);
	note.writeUInt32LE(descriptionBytes, 4);
	note.writeUInt32LE(slimNoteType, 8);
	name.copy(note, 12);
	const at = 12 + name.length;
	note.writeUInt32LE(version, at);
	note.writeUInt32LE(words.indexOf(originalComplete), at + 4);
	note.writeBigUInt64LE(BigInt(originalBytes), at + 8);
	return note;
}
