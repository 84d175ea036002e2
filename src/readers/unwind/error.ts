import { hex } from '../../base/hex.ts';

/** Call frame information that can't be read: what is wrong, and at which linked address of the module, unless it is the module as such. */
export class UnwindError extends Error {
	override readonly name = 'UnwindError';

	constructor(message: string, address?: bigint) {
		super(address === undefined ? message : `${message} (at ${hex(address)})`);
	}
}
