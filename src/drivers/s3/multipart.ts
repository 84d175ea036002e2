import { createHash } from 'node:crypto';
import { BackendRefused, BackendUnavailable, isBackendError } from '../../domain/backend.ts';
import { expectSame } from './checksum.ts';
import type { Ask } from './connection.ts';
import { UploadGone } from './errors.ts';
import type { Note, Notes } from './notes.ts';
import type { Part } from './parts.ts';
import {
	type CompletedPart,
	CompleteMultipartUploadCommand,
	CreateMultipartUploadCommand,
	type CreateMultipartUploadCommandInput,
	UploadPartCommand,
} from './sdk.ts';
import { abortUpload, type SentPart, uploadsOf } from './uploads.ts';
import { within } from './within.ts';

export type Place = { readonly ask: Ask; readonly notes: Notes; readonly place: string; readonly bucket: string };

/** An upload in parts, one after the other. */
export type Multipart = {
	/** Sends a part, unless just that is there already. */
	add(part: Part): Promise<void>;
	/** @returns the checksum that the object must have: that of the checksums of its parts, in Base64 */
	complete(): Promise<string>;
	/** Leaves it as it is, to be gone on with. */
	leave(): void;
	/** Leaves nothing on the server; where there is no answer, what is left is swept later. */
	abort(): Promise<void>;
};

/** For how long the end of an upload is waited for when the agent stops. */
const abortMs = 4_000;

/** Begins an upload in parts, which stands nowhere until it is complete. */
export async function beginMultipart(
	to: Place,
	input: Omit<CreateMultipartUploadCommandInput, 'Bucket'> & { readonly Key: string },
	what: string | undefined,
	signal: AbortSignal,
): Promise<Multipart> {
	const { ask, notes, place, bucket } = to;
	const { Key: key } = input;
	const begunAt = Date.now();
	const note = await notes.begin({ place, key, begunAt, ...(what !== undefined && { what }) });
	try {
		const command = new CreateMultipartUploadCommand({ ...input, Bucket: bucket, ChecksumAlgorithm: 'SHA256' });
		const { UploadId, $metadata } = await ask((client, options) => client.send(command, options), signal);
		if (UploadId === undefined) throw new BackendUnavailable(`s3://${bucket}: the server began an upload without a name`);
		await note.began(UploadId);
		if (($metadata.attempts ?? 1) > 1) await endOthers(UploadId);
		return multipart(to, { key, uploadId: UploadId, note }, signal);
	} catch (error) {
		if (error instanceof BackendRefused) await note.end();
		else note.leave();
		throw error;
	}

	/** The server may have begun one whose name was lost on the way. It has no parts: where it can't be ended, it costs nothing. */
	async function endOthers(own: string): Promise<void> {
		try {
			for (const other of await uploadsOf(ask, bucket, key, signal)) if (other !== own) await abortUpload(ask, bucket, key, other, signal);
		} catch (error) {
			if (!isBackendError(error)) throw error;
		}
	}
}

type Begun = {
	readonly key: string;
	readonly uploadId: string;
	readonly note: Note;
	/** What is there already, by its number. */
	readonly sent?: ReadonlyMap<number, SentPart>;
};

/** An upload that was begun. */
export function multipart({ ask, bucket }: Place, { key, uploadId, note, sent }: Begun, signal: AbortSignal): Multipart {
	const at = { Bucket: bucket, Key: key, UploadId: uploadId };
	const parts: CompletedPart[] = [];
	const checksums = createHash('sha256');

	/** @returns what the server calls it */
	async function send({ number, bytes }: Part, sum: string): Promise<string | undefined> {
		const command = new UploadPartCommand({ ...at, PartNumber: number, Body: bytes, ChecksumSHA256: sum });
		const { ETag, ChecksumSHA256 } = await ask((client, options) => client.send(command, options), signal);
		expectSame(ChecksumSHA256, sum, `part ${number} of s3://${bucket}/${key}`);
		return ETag;
	}

	return {
		async add(part) {
			const digest = createHash('sha256').update(part.bytes).digest();
			const sum = digest.toString('base64');
			const there = sent?.get(part.number);
			const isThere = there?.sum === sum && there.sizeBytes === part.bytes.length;
			const ETag = isThere ? there.etag : await send(part, sum);
			checksums.update(digest);
			parts.push({ PartNumber: part.number, ChecksumSHA256: sum, ...(ETag !== undefined && { ETag }) });
		},
		async complete() {
			const sum = checksums.digest('base64');
			const command = new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts: parts } });
			try {
				const { ChecksumSHA256 } = await ask((client, options) => client.send(command, options), signal);
				expectSame(ChecksumSHA256, sum, `s3://${bucket}/${key}`);
			} catch (error) {
				// Asked a second time because the first answer did not come: what stands there is looked at in any case.
				if (!(error instanceof UploadGone)) throw error;
			}
			await note.end();
			return sum;
		},
		leave: note.leave,
		async abort() {
			try {
				await within(abortMs, undefined, (limit) => abortUpload(ask, bucket, key, uploadId, limit));
				await note.end();
			} catch (error) {
				if (!isBackendError(error)) throw error;
				note.leave();
			}
		},
	};
}
