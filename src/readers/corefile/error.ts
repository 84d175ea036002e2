/** A file that is not a readable core: what is wrong, and at which byte of the (unpacked) file. */
export class CorefileError extends Error {
	override readonly name = 'CorefileError';
	readonly offset: number;

	constructor(message: string, offset = 0, options?: ErrorOptions) {
		super(`${message} (at byte ${offset})`, options);
		this.offset = offset;
	}
}
