import type { Ask } from './connection.ts';
import { UploadGone } from './errors.ts';
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand } from './sdk.ts';

/** A part that a server has of an upload. */
export type SentPart = {
	/** SHA-256 in Base64; absent where the server keeps none. */
	readonly sum: string | undefined;
	readonly etag: string | undefined;
	readonly sizeBytes: number;
};

/** The names of all uploads of just that key. */
export async function uploadsOf(ask: Ask, bucket: string, key: string, signal: AbortSignal): Promise<readonly string[]> {
	const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
	const { Uploads = [] } = await ask((client, options) => client.send(command, options), signal);
	return Uploads.flatMap(({ Key, UploadId }) => (Key === key && UploadId !== undefined ? [UploadId] : []));
}

/**
 * The parts that are there of an upload, by their numbers.
 *
 * @param pageSize how many are asked for at once; a server may give fewer
 * @throws {UploadGone} and what `ask` throws
 */
export async function partsSent(
	ask: Ask,
	upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
	signal: AbortSignal,
	pageSize?: number,
): Promise<ReadonlyMap<number, SentPart>> {
	const sent = new Map<number, SentPart>();
	let after: string | undefined;
	do {
		const command = new ListPartsCommand({ ...upload, PartNumberMarker: after, MaxParts: pageSize });
		const page = await ask((client, options) => client.send(command, options), signal);
		for (const { PartNumber = 0, ChecksumSHA256, ETag, Size = 0 } of page.Parts ?? [])
			sent.set(PartNumber, { sum: ChecksumSHA256, etag: ETag, sizeBytes: Size });
		after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
	} while (after !== undefined);
	return sent;
}

/** Ends an upload; one that is gone is no mistake. */
export async function abortUpload(ask: Ask, bucket: string, key: string, uploadId: string, signal: AbortSignal): Promise<void> {
	const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
	try {
		await ask((client, options) => client.send(command, options), signal);
	} catch (error) {
		if (!(error instanceof UploadGone)) throw error;
	}
}
