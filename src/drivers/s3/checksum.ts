import { Damaged } from './errors.ts';

/**
 * Compares a checksum that the server tells with our own. Servers that keep none are believed: they have compared what came with the checksum that the
 * request is signed with.
 *
 * @param told in Base64; of an object in parts with `-` and their number behind it
 * @throws {Damaged}
 */
export function expectSame(told: string | undefined, own: string, what: string): void {
	if (told !== undefined && told.replace(/-\d+$/, '') !== own)
		throw new Damaged(`${what} is stored other than it was sent: the server tells another checksum`);
}
