import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join, relative } from 'node:path';
import {
	AbortMultipartUploadCommand,
	CreateMultipartUploadCommand,
	GetObjectTaggingCommand,
	ListMultipartUploadsCommand,
	S3Client,
} from '@aws-sdk/client-s3';
import type { S3Options } from '../../../src/drivers/s3/s3.ts';
import { exec, temporaryFolder } from '../crash.ts';
import { describeUnless, missingAsSaidBy } from '../needed.ts';
import { until } from '../until.ts';

const find = async () => (await exec(join(import.meta.dirname, 'build.sh'), ['--find'])).stdout.trim();
const missing = await missingAsSaidBy(find);

/** Tests that need an S3 server: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export const describeS3 = (name: string, tests: () => void): void => describeUnless(name, missing, { timeout: 60_000 }, tests);

export const bucket = 'cores';
export const keys = { accessKey: 'test-key', secretKey: 'test-secret-0123456789' } as const;

export type S3Server = AsyncDisposable & {
	readonly port: number;
	/** What a backend is given to store there. */
	readonly options: S3Options;
	/** The keys of all objects of the bucket. */
	keys(): readonly string[];
	/** The content of an object, as it lies on the disk. */
	read(location: string): Promise<Buffer>;
	/** The files of the uploads that are under way: none of an upload that was ended is left. */
	uploads(): readonly string[];
	/** The keys of the uploads that are under way. */
	uploadedKeys(): Promise<readonly string[]>;
	/** Begins an upload, as somebody else would. */
	beginUpload(key: string): Promise<void>;
	/** Ends all uploads that are under way, as a rule of the bucket would. */
	endUploads(): Promise<void>;
	/** The tags of an object. */
	tags(key: string): Promise<Readonly<Record<string, string>>>;
	/** Ends the server at once, as a machine that loses its power. */
	kill(): Promise<void>;
	/** Starts it again, with what it had, on the same port. */
	start(): Promise<void>;
};

export type ServerOptions = {
	readonly region?: string;
	/** Files with certificate and key: it speaks https. */
	readonly tls?: { readonly certificate: string; readonly key: string };
};

/** A real S3 server on a port of its own, with one bucket. It keeps objects as files. */
export async function s3Server({ region = 'us-east-1', tls }: ServerOptions = {}): Promise<S3Server> {
	await using ending = new AsyncDisposableStack();
	const folder = ending.use(await temporaryFolder());
	const root = join(folder.path, 'root');
	const path = join(root, bucket);
	mkdirSync(path, { recursive: true });
	const program = await find();
	const port = await freePort();
	const address = `127.0.0.1:${port}`;
	let child: ChildProcess | undefined;

	async function kill(): Promise<void> {
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		child.kill('SIGKILL');
		await once(child, 'exit');
	}
	async function start(): Promise<void> {
		const server = spawn(
			program,
			[
				...['--port', address, '--region', region, '--quiet', '--keep-alive', '--health', '/health'],
				...(tls ? ['--cert', tls.certificate, '--key', tls.key] : []),
				...['posix', root],
			],
			{
				env: { ROOT_ACCESS_KEY: keys.accessKey, ROOT_SECRET_KEY: keys.secretKey, HOME: folder.path },
				stdio: ['ignore', 'ignore', 'pipe'],
			},
		);
		child = server;
		let errors = '';
		server.stderr.on('data', (chunk) => {
			errors += chunk;
		});
		await until('the S3 server answers', async () => (await isListening(port)) || server.exitCode !== null, Boolean);
		if (server.exitCode !== null) throw new Error(`the S3 server ended: ${errors}`);
	}
	ending.defer(kill);
	await start();
	const options = { bucket, region, endpoint: `${tls ? 'https' : 'http'}://${address}`, ...keys };
	const client = new S3Client({
		region,
		endpoint: options.endpoint,
		forcePathStyle: true,
		credentials: { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey },
	});
	ending.defer(() => client.destroy());
	const disposal = ending.move();
	return {
		port,
		options,
		keys: () => filesBelow(path).filter((name) => !name.startsWith('.sgwtmp/')),
		read: (location) => readFile(join(root, location.replace(/^s3:\/\//, ''))),
		uploads: () => filesBelow(join(path, '.sgwtmp/multipart')),
		async uploadedKeys() {
			const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
			return Uploads.map(({ Key = '' }) => Key);
		},
		async beginUpload(key) {
			await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }));
		},
		async endUploads() {
			const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
			for (const { Key, UploadId } of Uploads) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
		},
		async tags(key) {
			const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: key }));
			return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
		},
		kill,
		start,
		[Symbol.asyncDispose]: () => disposal.disposeAsync(),
	};
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
	const server = createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, 'close');
	return port;
}

function isListening(port: number): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = connect(port, '127.0.0.1', () => resolve(true));
	socket.once('error', () => resolve(false));
	return promise.finally(() => socket.destroy());
}

const filesBelow = (folder: string) =>
	existsSync(folder)
		? readdirSync(folder, { recursive: true, withFileTypes: true })
				.filter((entry) => entry.isFile())
				.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
				.sort()
		: [];
