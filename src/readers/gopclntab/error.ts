/** Go's tables are there but can't be read: what is wrong, and at which byte of the file. */
export class PclntabError extends Error {
	override readonly name = 'PclntabError';

	constructor(message: string, offset: number) {
		super(`Go's function table: ${message} (at byte ${offset})`);
	}
}
