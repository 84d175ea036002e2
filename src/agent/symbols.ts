import { join } from 'node:path';
import type { SymbolPlaces } from '../components/analyzer/analyzer.ts';
import type { Config } from '../config/config.ts';
import { debuginfod } from '../drivers/debuginfod/debuginfod.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Where files are looked for besides their own place. */
export function symbolPlaces(
	{ symbols: { paths, debuginfod: address }, scratchPath }: Config['analyzer'],
	telemetry: Pick<Telemetry, 'debuginfodCalled'>,
): Pick<SymbolPlaces, 'paths' | 'debuginfod'> {
	if (address === 'off') return { paths };
	return { paths, debuginfod: debuginfod({ address, folder: join(scratchPath, 'debuginfod'), onCall: telemetry.debuginfodCalled }) };
}
