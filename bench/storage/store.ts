// A process of its own that stores one core as the agent does, and says what that took: node bench/storage/store.ts CONFIG CORE
import { readFileSync, statSync } from 'node:fs';
import { storageOptions } from '../../src/agent/pieces.ts';
import { storeOf } from '../../src/agent/store.ts';
import { createRoom, storage } from '../../src/components/storage/storage.ts';
import { loadConfig } from '../../src/config/config.ts';
import { fold } from '../../src/domain/fold.ts';
import { fileId } from '../../src/domain/identity.ts';
import { events } from '../../test/support/events.ts';
import { listening } from '../../test/support/telemetry.ts';

/** What it prints. */
export type StoredIn = {
	readonly seconds: number;
	/** Of the processor, with those of the programs that it started. */
	readonly cpuSeconds: number;
	/** The most memory of this process alone, before it began and in the end. */
	readonly startBytes: number;
	readonly peakBytes: number;
	readonly sha256: string;
	readonly sizeBytes: number;
};

/** proc_pid_stat(5), in clock ticks of hundredths of a second: of this process, and of those that it has waited for. */
function cpuSeconds(): number {
	const fields = readFileSync('/proc/self/stat', 'latin1')
		.replace(/^.*\) /, '')
		.split(' ');
	return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
}

const peakBytes = () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;

const [file = '', path = ''] = process.argv.slice(2);
const { config } = loadConfig({ file, mode: 'standalone', paths: { stateHome: '/nowhere', corePatternDirectory: '/nowhere' } });
const { telemetry, lines } = listening();
const { found, analysed } = events();
const core = { path, sizeBytes: statSync(path).size, encoding: 'raw', fileId: fileId(statSync(path, { bigint: true })) } as const;
const event = { ...analysed, body: { ...analysed.body, core } };
const report = fold(fold(undefined, found), event);
const backend = storeOf(config, 'bench', telemetry);
const stage = storage({
	backend,
	reports: { report: () => report },
	history: { kept: () => 0 },
	room: createRoom(),
	telemetry,
	options: storageOptions(config),
});
const { signal } = new AbortController();
await backend.start(signal);
await backend.health(signal);
const startBytes = peakBytes();
const [from, before] = [performance.now(), cpuSeconds()];
const outcome = await stage.handle(event, signal);
const seconds = (performance.now() - from) / 1000;
const body = outcome.is === 'done' && outcome.emit[0]?.kind === 'StorageEvent' ? outcome.emit[0].body : undefined;
if (body?.is !== 'stored') throw new Error(`not stored: ${JSON.stringify([outcome, lines])}`);
const { sha256, sizeBytes } = body.storage;
console.log(
	JSON.stringify({ seconds, cpuSeconds: cpuSeconds() - before, startBytes, peakBytes: peakBytes(), sha256, sizeBytes } satisfies StoredIn),
);
