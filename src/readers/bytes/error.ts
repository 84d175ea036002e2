/** Packed data that ends too early, or is damaged: which of them, in words. */
export class PackedDataError extends Error {
	override readonly name = 'PackedDataError';
}

/** Something stands behind packed data that does not belong to it. All that was packed has been unpacked. */
export class TrailingDataError extends Error {
	override readonly name = 'TrailingDataError';

	constructor(packing: string, options?: ErrorOptions) {
		super(`something stands behind the ${packing} data that does not belong to it; it was ignored`, options);
	}
}

/** Nothing here can unpack this: what is missing and how to get it, in words. */
export class NoUnpackerError extends Error {
	override readonly name = 'NoUnpackerError';
}
