import {
	type Backend,
	BackendUnavailable,
	type Content,
	checkName,
	isBackendError,
	isSafeName,
	type Stored,
	type StoredFile,
} from '../../domain/backend.ts';
import { connection } from './connection.ts';
import { PastEnd, sorted, sortedRefusal } from './errors.ts';
import { sweepUploads } from './left.ts';
import { uploadNotes } from './notes.ts';
import { placeOf, prefixOf, type S3Options } from './options.ts';
import { putter } from './put.ts';
import { DeleteObjectsCommand, GetObjectCommand, HeadBucketCommand, ListObjectsV2Command } from './sdk.ts';
import { turns } from './turns.ts';
import { within } from './within.ts';

const healthMs = 15_000;
/** An agent that starts does not wait longer: what is not swept by then, is when the server is found healthy. */
const sweepMs = 5_000;
/** The most that one request removes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const batchSize = 1000;

/** What the door promises, with the SDK. */
export function bucketBackend(options: S3Options, notesPath: string): Backend {
	const { bucket, endpoint = '' } = options;
	const prefix = prefixOf(options);
	const ask = connection(options);
	const notes = uploadNotes(notesPath);
	const place = `${endpoint} ${bucket}`;
	const putObject = putter({ ask, notes, place, options });
	const inTurn = turns();
	/** Only then are the notes those of this process, and uploads on which nobody works here nobody's. */
	let isStarted = false;
	const keyOf = (name: string) => `${prefix}${checkName(name)}`;

	async function put(name: string, content: Content, signal: AbortSignal): Promise<Stored> {
		const key = keyOf(name);
		// One after the other under one name: what is looked at afterwards must be what was sent.
		return inTurn(key, () => putObject(key, content, signal));
	}

	async function* get(name: string, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
		const command = new GetObjectCommand({ Bucket: bucket, Key: keyOf(name), ...(from > 0 && { Range: `bytes=${from}-` }) });
		const answer = await ask((client, request) => client.send(command, request), signal).catch((error) => {
			if (error instanceof PastEnd) return undefined;
			throw error;
		});
		try {
			if (answer) yield* answer.Body as AsyncIterable<Uint8Array>;
		} catch (error) {
			signal.throwIfAborted();
			throw sorted(error, options);
		}
	}

	async function* list(begin: string, signal: AbortSignal): AsyncIterable<StoredFile> {
		let token: string | undefined;
		do {
			const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}${begin}`, ContinuationToken: token });
			const page = await ask((client, request) => client.send(command, request), signal);
			for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
				const name = Key.slice(prefix.length);
				// Others may keep what they like beside it.
				if (isSafeName(name)) yield { name, sizeBytes: Size, storedAt: LastModified?.getTime() ?? 0 };
			}
			token = page.NextContinuationToken;
		} while (token !== undefined);
	}

	async function remove(names: readonly string[], signal: AbortSignal): Promise<void> {
		const keys = names.map(keyOf);
		for (let at = 0; at < keys.length; at += batchSize) {
			const Objects = keys.slice(at, at + batchSize).map((Key) => ({ Key }));
			const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } });
			const { Errors = [] } = await ask((client, request) => client.send(command, request), signal);
			for (const { Key, Code = '', Message = '' } of Errors) {
				const status = Code === 'InternalError' || Code === 'SlowDown' ? 503 : 400;
				if (Code !== 'NoSuchKey') throw sortedRefusal({ code: Code, message: Message, status }, `s3://${bucket}/${Key}`);
			}
		}
	}

	async function health(signal: AbortSignal): Promise<void> {
		await within(healthMs, signal, async (limited) => {
			try {
				await ask((client, request) => client.send(new HeadBucketCommand({ Bucket: bucket }), request), limited);
			} catch (error) {
				if (error instanceof BackendUnavailable) throw error;
				// What answers HEAD has no body: only a GET says why.
				const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
				await ask((client, request) => client.send(command, request), limited);
			}
			if (isStarted) await sweepUploads({ ask, notes, place, bucket }, limited);
		});
	}

	async function start(signal: AbortSignal): Promise<undefined> {
		isStarted = true;
		try {
			await within(sweepMs, signal, (limited) => sweepUploads({ ask, notes, place, bucket }, limited));
		} catch (error) {
			if (!isBackendError(error)) throw error; // what stands in the way of storing, health tells
		}
	}

	const space = async () => undefined;

	return { kind: 's3', place: placeOf(options), start, put, get, list, remove, health, space };
}
