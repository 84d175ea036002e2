import { dirname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Backend } from '../domain/backend.ts';
import { localBackend } from '../drivers/local/local.ts';
import { nfsBackend } from '../drivers/nfs/nfs.ts';
import { s3Backend } from '../drivers/s3/s3.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/**
 * Where the configuration wants cores to be kept.
 *
 * @param node whose agent it is, where a store is shared
 */
export function storeOf(
	{ storage, journal }: Pick<Config, 'storage' | 'journal'>,
	node: string,
	telemetry: Pick<Telemetry, 'storeGrew'>,
): Backend {
	const { backend, minFreeSpace, nfs, s3 } = storage;
	switch (backend) {
		case 'local':
			return localBackend(storage.localPath, minFreeSpace, telemetry.storeGrew);
		case 'nfs':
			if (nfs.path === undefined) throw new Error('backend nfs without a path');
			return nfsBackend({ path: nfs.path, floor: minFreeSpace, node });
		case 's3': {
			const { bucket, ...options } = s3;
			if (bucket === undefined) throw new Error('backend s3 without a bucket');
			return s3Backend({ bucket, ...options }, join(dirname(journal.path), 's3-uploads'));
		}
		default:
			return backend satisfies never;
	}
}
