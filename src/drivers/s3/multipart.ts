import { createHash } from 'node:crypto';
import { BackendRefused, BackendUnavailable, isBackendError } from '../../domain/backend.ts';
import { expectSame } from './checksum.ts';
import type { Ask } from './connection.ts';
import { UploadGone } from './errors.ts';
import type { Notes } from './notes.ts';
import type { Part } from './parts.ts';
import {
	AbortMultipartUploadCommand,
	type CompletedPart,
	CompleteMultipartUploadCommand,
	CreateMultipartUploadCommand,
	type CreateMultipartUploadCommandInput,
	ListMultipartUploadsCommand,
	UploadPartCommand,
} from './sdk.ts';
import { within } from './within.ts';

type Place = { readonly ask: Ask; readonly notes: Notes; readonly place: string; readonly bucket: string };

/** An upload in parts, one after the other. */
export type Multipart = {
	add(part: Part): Promise<void>;
	/** @returns the checksum that the object must have: that of the checksums of its parts, in Base64 */
	complete(): Promise<string>;
	/** Leaves nothing on the server; where there is no answer, what is left is swept later. */
	abort(): Promise<void>;
};

/** For how long the end of an upload is waited for when the agent stops. */
const abortMs = 4_000;

/** Begins an upload in parts, which stands nowhere until it is complete. */
export async function beginMultipart(
	{ ask, notes, place, bucket }: Place,
	input: Omit<CreateMultipartUploadCommandInput, 'Bucket'> & { readonly Key: string },
	signal: AbortSignal,
): Promise<Multipart> {
	const note = await notes.begin({ place, key: input.Key });
	const at = { Bucket: bucket, Key: input.Key };
	const uploadId = await begin();
	const parts: CompletedPart[] = [];
	const checksums = createHash('sha256');

	async function begin(): Promise<string> {
		try {
			const command = new CreateMultipartUploadCommand({ ...input, Bucket: bucket, ChecksumAlgorithm: 'SHA256' });
			const { UploadId, $metadata } = await ask((client, options) => client.send(command, options), signal);
			if (UploadId === undefined) throw new BackendUnavailable(`s3://${bucket}: the server began an upload without a name`);
			await note.began(UploadId);
			if (($metadata.attempts ?? 1) > 1) await endOthers(UploadId);
			return UploadId;
		} catch (error) {
			if (error instanceof BackendRefused) await note.end();
			else note.leave();
			throw error;
		}
	}

	/** The server may have begun one whose name was lost on the way. It has no parts: where it can't be ended, it costs nothing. */
	async function endOthers(own: string): Promise<void> {
		try {
			for (const other of await uploadsOf(ask, bucket, input.Key, signal))
				if (other !== own) await abortUpload(ask, bucket, input.Key, other, signal);
		} catch (error) {
			if (!isBackendError(error)) throw error;
		}
	}

	return {
		async add({ number, bytes }) {
			const digest = createHash('sha256').update(bytes).digest();
			const sum = digest.toString('base64');
			const command = new UploadPartCommand({ ...at, UploadId: uploadId, PartNumber: number, Body: bytes, ChecksumSHA256: sum });
			const { ETag, ChecksumSHA256 } = await ask((client, options) => client.send(command, options), signal);
			expectSame(ChecksumSHA256, sum, `part ${number} of s3://${bucket}/${input.Key}`);
			checksums.update(digest);
			parts.push({ PartNumber: number, ChecksumSHA256: sum, ...(ETag !== undefined && { ETag }) });
		},
		async complete() {
			const sum = checksums.digest('base64');
			const command = new CompleteMultipartUploadCommand({ ...at, UploadId: uploadId, MultipartUpload: { Parts: parts } });
			try {
				const { ChecksumSHA256 } = await ask((client, options) => client.send(command, options), signal);
				expectSame(ChecksumSHA256, sum, `s3://${bucket}/${input.Key}`);
			} catch (error) {
				// Asked a second time because the first answer did not come: what stands there is looked at in any case.
				if (!(error instanceof UploadGone)) throw error;
			}
			await note.end();
			return sum;
		},
		async abort() {
			try {
				await within(abortMs, undefined, (limit) => abortUpload(ask, bucket, input.Key, uploadId, limit));
				await note.end();
			} catch (error) {
				if (!isBackendError(error)) throw error;
				note.leave();
			}
		},
	};
}

/** Ends what an agent that was killed, or that had no answer, left behind in this place. Nothing else in the bucket is looked at. */
export async function sweepUploads({ ask, notes, place, bucket }: Place, signal: AbortSignal): Promise<void> {
	for (const { upload, end } of await notes.left()) {
		if (upload.place !== place) continue;
		try {
			const { key, uploadId } = upload;
			for (const one of uploadId === undefined ? await uploadsOf(ask, bucket, key, signal) : [uploadId])
				await abortUpload(ask, bucket, key, one, signal);
			await end();
		} catch (error) {
			if (!isBackendError(error)) throw error;
			if (error instanceof BackendUnavailable) return; // the next time
		}
	}
}

/** Of just that key. */
async function uploadsOf(ask: Ask, bucket: string, key: string, signal: AbortSignal): Promise<readonly string[]> {
	const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
	const { Uploads = [] } = await ask((client, options) => client.send(command, options), signal);
	return Uploads.flatMap(({ Key, UploadId }) => (Key === key && UploadId !== undefined ? [UploadId] : []));
}

async function abortUpload(ask: Ask, bucket: string, key: string, uploadId: string, signal: AbortSignal): Promise<void> {
	const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
	try {
		await ask((client, options) => client.send(command, options), signal);
	} catch (error) {
		if (!(error instanceof UploadGone)) throw error;
	}
}
