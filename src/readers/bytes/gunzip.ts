import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { codeOf } from '../../base/errors.ts';
import { PackedDataError } from './error.ts';

const unpack = promisify(gunzip);

/**
 * Gzip data that is in memory, unpacked, beside the rest of the program.
 *
 * @throws {PackedDataError} it is damaged, or longer than that when it is unpacked
 */
export async function gunzipped(packed: Buffer, mostBytes: number): Promise<Buffer> {
	try {
		return await unpack(packed, { maxOutputLength: mostBytes });
	} catch (cause) {
		const isTooLong = codeOf(cause) === 'ERR_BUFFER_TOO_LARGE';
		throw new PackedDataError(isTooLong ? `is longer than ${mostBytes >> 20} MiB when it is unpacked` : 'the gzip data is damaged', {
			cause,
		});
	}
}
