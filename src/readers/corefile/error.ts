/** A file that is not a readable core: what is wrong, and at which byte of the (unpacked) file, unless it is the file as such. */
export class CorefileError extends Error {
	override readonly name = 'CorefileError';

	constructor(message: string, offset?: number, options?: ErrorOptions) {
		super(offset === undefined ? message : `${message} (at byte ${offset})`, options);
	}
}
