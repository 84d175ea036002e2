import { createHash } from 'node:crypto';
import { BackendRefused, type Content, NotStored } from '../../domain/backend.ts';
import type { Place } from './multipart.ts';
import { partsOf } from './parts.ts';
import { HeadObjectCommand } from './sdk.ts';

/**
 * Whether just this content stands there already, in parts of these sizes: an agent that is killed once the server has all of it does not know that.
 *
 * @returns its SHA-256 (hex), if it does
 * @throws {BackendUnavailable} and what the content throws
 */
export async function standing(
	{ ask, bucket }: Pick<Place, 'ask' | 'bucket'>,
	key: string,
	content: Content,
	sizeOf: (number: number) => number,
	signal: AbortSignal,
): Promise<string | undefined> {
	// What goes in one request is as soon sent as compared.
	if (content.sizeBytes === undefined || content.sizeBytes <= sizeOf(1)) return undefined;
	const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' });
	const head = await ask((client, request) => client.send(command, request), signal).catch((error) => {
		if (error instanceof NotStored || error instanceof BackendRefused) return undefined;
		throw error;
	});
	if (head?.ContentLength !== content.sizeBytes || head.ChecksumSHA256 === undefined) return undefined;
	const hash = createHash('sha256');
	const checksums = createHash('sha256');
	for await (const { bytes } of partsOf(content.open(signal), signal, sizeOf)) {
		hash.update(bytes);
		checksums.update(createHash('sha256').update(bytes).digest());
	}
	const isSame = head.ChecksumSHA256.replace(/-\d+$/, '') === checksums.digest('base64');
	return isSame ? hash.digest('hex') : undefined;
}
