import type { Config } from '../config/config.ts';
import type { Backend } from '../domain/backend.ts';
import { localBackend } from '../drivers/local/local.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Where the configuration wants cores to be kept. */
export function storeOf({ localPath, minFreeSpace }: Config['storage'], telemetry: Pick<Telemetry, 'storeGrew'>): Backend {
	return localBackend(localPath, minFreeSpace, telemetry.storeGrew);
}
