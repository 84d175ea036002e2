import { createHash } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import { BackendUnavailable, type Content, ContentUnavailable, isBackendError, NotStored, type Stored } from '../../domain/backend.ts';
import { expectSame } from './checksum.ts';
import type { Ask } from './connection.ts';
import { Damaged } from './errors.ts';
import { resumeMultipart } from './left.ts';
import { beginMultipart } from './multipart.ts';
import type { Notes } from './notes.ts';
import type { S3Options } from './options.ts';
import { partSizes, partsOf } from './parts.ts';
import { HeadObjectCommand, PutObjectCommand, type PutObjectCommandInput, PutObjectTaggingCommand } from './sdk.ts';
import { standing } from './standing.ts';

type Deps = { readonly ask: Ask; readonly notes: Notes; readonly place: string; readonly options: S3Options };

/**
 * Stores one object: in one request where it is smaller than a part, else in parts. Its SHA-256 goes with it, as metadata, or, since that must be given
 * before the first part, as a tag.
 */
export function putter({ ask, notes, place, options }: Deps) {
	const { bucket, storageClass, serverSideEncryption, kmsKeyId, tags = {} } = options;
	const to = { ask, notes, place, bucket };

	async function put(key: string, content: Content, signal: AbortSignal): Promise<Stored> {
		const location = `s3://${bucket}/${key}`;
		const hash = createHash('sha256');
		let sizeBytes = 0;
		let checksum = '';
		const sizeOf = partSizes(content.sizeBytes);
		const what = whatOf(key, content, sizeOf);
		let upload = what === undefined ? undefined : await resumeMultipart(to, key, what, signal);
		if (what !== undefined && !upload) {
			const sha256 = await standing(to, key, content, sizeOf, signal);
			if (sha256 !== undefined) {
				await tag(key, sha256, signal);
				return { location, sha256, sizeBytes: content.sizeBytes ?? 0 };
			}
		}
		try {
			for await (const part of partsOf(content.open(signal), signal, sizeOf)) {
				hash.update(part.bytes);
				sizeBytes += part.bytes.length;
				if (part.isLast && !upload) checksum = await putWhole(key, part.bytes, signal);
				else {
					upload ??= await beginMultipart(to, inputOf(key), what, signal);
					await upload.add(part);
				}
			}
			if (upload) checksum = await upload.complete();
		} catch (error) {
			if (what !== undefined && (signal.aborted || mayGoOnAfter(error))) upload?.leave();
			else await upload?.abort();
			throw error;
		}
		await verify(key, { sizeBytes, checksum }, signal);
		const sha256 = hash.digest('hex');
		if (upload) await tag(key, sha256, signal);
		return { location, sha256, sizeBytes };
	}

	/** What is asked for each object, in whatever way it is stored. */
	const inputOf = (key: string) => ({
		Key: key,
		...defined({
			StorageClass: storageClass as PutObjectCommandInput['StorageClass'],
			ServerSideEncryption: serverSideEncryption,
			SSEKMSKeyId: kmsKeyId,
			Tagging: Object.keys(tags).length === 0 ? undefined : queryOf(tags),
		}),
	});

	/** What is sent, and how, in parts of which sizes: an upload that broke off is gone on with only for just the same. Absent: for nothing. */
	function whatOf(key: string, { identity, sizeBytes }: Content, sizeOf: (number: number) => number): string | undefined {
		if (identity === undefined) return undefined;
		return JSON.stringify({ identity, sizeBytes, partBytes: sizeOf(1), ...inputOf(key) });
	}

	/** @returns its checksum in Base64 */
	async function putWhole(key: string, bytes: Buffer, signal: AbortSignal): Promise<string> {
		const digest = createHash('sha256').update(bytes).digest();
		const sum = digest.toString('base64');
		const command = new PutObjectCommand({
			...inputOf(key),
			Bucket: bucket,
			Body: bytes,
			ChecksumSHA256: sum,
			Metadata: { sha256: digest.toString('hex') },
		});
		const { ChecksumSHA256 } = await ask((client, request) => client.send(command, request), signal);
		expectSame(ChecksumSHA256, sum, `s3://${bucket}/${key}`);
		return sum;
	}

	/** Asks what stands there now, and compares. */
	async function verify(key: string, own: { readonly sizeBytes: number; readonly checksum: string }, signal: AbortSignal): Promise<void> {
		const what = `s3://${bucket}/${key}`;
		const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' });
		const { ContentLength, ChecksumSHA256 } = await ask((client, request) => client.send(command, request), signal).catch((error) => {
			if (error instanceof NotStored) throw new BackendUnavailable(`${what} was stored, and is not there`, { cause: error });
			throw error;
		});
		if (ContentLength !== own.sizeBytes)
			throw new BackendUnavailable(`${what} has ${ContentLength} bytes, and ${own.sizeBytes} were sent: it is stored again`);
		expectSame(ChecksumSHA256, own.checksum, what);
	}

	/** It stands beside the core too, in its report: where tags can't be set, the core is stored all the same. */
	async function tag(key: string, sha256: string, signal: AbortSignal): Promise<void> {
		const TagSet = Object.entries({ ...tags, sha256 }).map(([Key, Value]) => ({ Key, Value }));
		const command = new PutObjectTaggingCommand({ Bucket: bucket, Key: key, Tagging: { TagSet } });
		try {
			await ask((client, request) => client.send(command, request), signal);
		} catch (error) {
			if (!(isBackendError(error) || error instanceof NotStored)) throw error;
		}
	}

	return put;
}

/** There was no answer, or no content, which may be better later. What was refused or damaged would be so again. */
const mayGoOnAfter = (error: unknown) =>
	(error instanceof BackendUnavailable && !(error instanceof Damaged)) || error instanceof ContentUnavailable;

const queryOf = (tags: Readonly<Record<string, string>>) =>
	Object.entries(tags)
		.map((pair) => pair.map(encodeURIComponent).join('='))
		.join('&');
