import { join } from 'node:path';
import { type S3Options, s3Backend } from '../../src/drivers/s3/s3.ts';
import { backendContract, type Place } from '../contract/backend.ts';
import { temporaryFolder } from '../support/crash.ts';
import { describeS3, type S3Server, s3Server } from '../support/s3/server.ts';

async function place(options: Partial<S3Options> = {}): Promise<Place & { readonly server: S3Server; readonly notes: string }> {
	await using ending = new AsyncDisposableStack();
	const folder = ending.use(await temporaryFolder());
	const server = ending.use(await s3Server());
	const notes = join(folder.path, 'uploads');
	const prefix = options.prefix === undefined ? '' : `${options.prefix}/`;
	const disposal = ending.move();
	return {
		server,
		notes,
		backend: s3Backend({ ...server.options, ...options }, notes),
		names: async () => server.keys().map((key) => key.slice(prefix.length)),
		read: server.read,
		[Symbol.asyncDispose]: () => disposal.disposeAsync(),
	};
}

describeS3('a bucket is a backend', () => backendContract(place));
describeS3('a folder in a bucket is a backend', () => backendContract(() => place({ prefix: 'milvus/cores' })));
