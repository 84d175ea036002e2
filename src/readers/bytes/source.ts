/** Bytes by their offset: of a file, of memory, or of a stream that is unpacked on the way. Offsets and sizes count the unpacked bytes. */
export interface ByteSource {
	/** A stream can't go back: each offset is at or behind the end of the read before. */
	readonly isForwardOnly: boolean;

	/** Up to `length` bytes from `offset`; fewer only where the bytes end. The buffer is valid until the next read, which may begin only when this one has ended. */
	read(offset: number, length: number): Promise<Buffer>;
}
