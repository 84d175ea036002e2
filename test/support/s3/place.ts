import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Content } from '../../../src/domain/backend.ts';
import { type S3Options, s3Backend } from '../../../src/drivers/s3/s3.ts';
import type { Place } from '../../contract/backend.ts';
import { temporaryFolder } from '../crash.ts';
import { type S3Server, type ServerOptions, s3Server } from './server.ts';

export type S3Place = Place & {
	readonly server: S3Server;
	/** The folder of the agent, where it notes its uploads. */
	readonly notesPath: string;
	notes(): readonly string[];
};

/** A server of its own, and a backend that stores there. */
export async function s3Place(options: Partial<S3Options> = {}, serverOptions: ServerOptions = {}): Promise<S3Place> {
	await using ending = new AsyncDisposableStack();
	const folder = ending.use(await temporaryFolder());
	const server = ending.use(await s3Server(serverOptions));
	const notesPath = join(folder.path, 'uploads');
	const prefix = options.prefix === undefined ? '' : `${options.prefix}/`;
	const disposal = ending.move();
	return {
		server,
		notesPath,
		notes: () => readdirSync(notesPath),
		backend: s3Backend({ ...server.options, ...options }, notesPath),
		names: async () => server.keys().map((key) => key.slice(prefix.length)),
		read: server.read,
		[Symbol.asyncDispose]: () => disposal.disposeAsync(),
	};
}

const megabyte = 1_000_000;

/** So many megabytes, each another. */
export function megabytes(count: number): Content & { sha256(): string } {
	async function* open() {
		for (let index = 0; index < count; index++) yield megabyteOf(index);
	}
	return {
		open,
		sha256() {
			const hash = createHash('sha256');
			for (let index = 0; index < count; index++) hash.update(megabyteOf(index));
			return hash.digest('hex');
		},
	};
}

function megabyteOf(index: number): Buffer {
	const bytes = Buffer.alloc(megabyte, `${index} `);
	bytes.writeUInt32LE(index);
	return bytes;
}
