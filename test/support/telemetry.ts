import { pino } from 'pino';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';

/** What was told, line by line. */
export type Told = { readonly level: string; readonly msg: string } & Readonly<Record<string, unknown>>;

/** Telemetry that keeps its lines. */
export function listening(): { readonly telemetry: Telemetry; readonly lines: Told[] } {
	const lines: Told[] = [];
	const options = { level: 'debug', base: null, formatters: { level: (level: string) => ({ level }) } };
	const log = pino(options, { write: (line: string) => void lines.push(JSON.parse(line)) });
	return { telemetry: createTelemetry(log), lines };
}
