import { readFile } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import { messageOf } from '../../base/errors.ts';
import { BackendRefused } from '../../domain/backend.ts';
import { sorted } from './errors.ts';
import type { S3Options } from './options.ts';
import { S3Client } from './sdk.ts';

/**
 * Asks the server for one thing.
 *
 * @throws {BackendUnavailable | BackendRefused | NotStored} and the signal's reason
 */
export type Ask = <T>(
	request: (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
	signal: AbortSignal,
) => Promise<T>;

/** Few and short tries: the journal tries again with a growing delay. */
const maxAttempts = 3;
const connectionTimeout = 5_000;
/** For how long keys from files are used before the files are read again; the SDK renews five minutes before the end. */
const keysLastMs = 10 * 60_000;

/** The connection to the server. It is made when something is asked first; where that fails, with the next. */
export function connection(options: S3Options): Ask {
	let client: Promise<S3Client> | undefined;
	function connected(): Promise<S3Client> {
		client ??= connect(options).catch((error) => {
			client = undefined;
			throw error;
		});
		return client;
	}
	return async (request, signal) => {
		signal.throwIfAborted();
		try {
			return await request(await connected(), { abortSignal: signal });
		} catch (error) {
			signal.throwIfAborted();
			throw sorted(error, options);
		}
	};
}

async function connect(options: S3Options): Promise<S3Client> {
	const { region, endpoint, pathStyle, caFile, accessKey, accessKeyFile, idleMs = 30_000 } = options;
	const ca = caFile === undefined ? undefined : await textOf('caFile', caFile);
	const hasKeys = (accessKey ?? accessKeyFile) !== undefined;
	return new S3Client({
		...defined({
			region: region ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? 'us-east-1')),
			endpoint,
			credentials: hasKeys ? () => keysOf(options) : undefined,
		}),
		forcePathStyle: pathStyle ?? endpoint !== undefined,
		maxAttempts,
		requestHandler: { connectionTimeout, socketTimeout: idleMs, ...(ca !== undefined && { httpsAgent: { ca } }) },
		// With this header the SDK makes a connection for each request, and forgets the certificate authority for it.
		expectContinueHeader: false,
	});
}

async function keysOf({ accessKey, accessKeyFile, secretKey, secretKeyFile }: S3Options) {
	return {
		accessKeyId: accessKey ?? (await textOf('accessKeyFile', accessKeyFile ?? '')).trim(),
		secretAccessKey: secretKey ?? (await textOf('secretKeyFile', secretKeyFile ?? '')).trim(),
		expiration: new Date(Date.now() + keysLastMs),
	};
}

async function textOf(key: 'caFile' | 'accessKeyFile' | 'secretKeyFile', path: string): Promise<string> {
	try {
		return await readFile(path, 'utf8');
	} catch (cause) {
		throw new BackendRefused(`${messageOf(cause)} (storage.s3.${key})`, { cause });
	}
}
