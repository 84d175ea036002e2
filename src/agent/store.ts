import type { Config } from '../config/config.ts';
import type { Backend } from '../domain/backend.ts';
import { localBackend } from '../drivers/local/local.ts';
import { nfsBackend } from '../drivers/nfs/nfs.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/**
 * Where the configuration wants cores to be kept.
 *
 * @param node whose agent it is, where a store is shared
 */
export function storeOf(
	{ backend, localPath, minFreeSpace, nfs }: Config['storage'],
	node: string,
	telemetry: Pick<Telemetry, 'storeGrew'>,
): Backend {
	switch (backend) {
		case 'local':
			return localBackend(localPath, minFreeSpace, telemetry.storeGrew);
		case 'nfs':
			if (nfs.path === undefined) throw new Error('storage.nfs.path is not set');
			return nfsBackend({ path: nfs.path, floor: minFreeSpace, node });
		case 's3':
			throw new Error('storage.backend s3 is not there yet');
		default:
			return backend satisfies never;
	}
}
