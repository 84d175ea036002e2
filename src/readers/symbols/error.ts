/** A symbol table is there but can't be read: what is wrong, and at which byte of the file, or of what was packed in it. */
export class SymbolsError extends Error {
	override readonly name = 'SymbolsError';

	constructor(message: string, offset: number) {
		super(`symbols: ${message} (at byte ${offset})`);
	}
}
