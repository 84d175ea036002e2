/** Packed data that ends too early, or is damaged: which of them, in words. */
export class PackedDataError extends Error {
	override readonly name = 'PackedDataError';
}

/** Nothing here can unpack this: what is missing and how to get it, in words. */
export class NoUnpackerError extends Error {
	override readonly name = 'NoUnpackerError';
}
