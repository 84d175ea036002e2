import { messageOf } from '../../base/errors.ts';
import { type Backend, type Content, ContentLost, ContentUnavailable, isBackendError } from '../../domain/backend.ts';
import { type Event, followsFrom } from '../../domain/events.ts';
import type { Analysis, Core, Storage } from '../../domain/report.ts';
import type { Reports } from '../../domain/reports.ts';
import { done, type Outcome, retry, type Stage } from '../../domain/stage.ts';
import { type Compression, packed } from '../../drivers/compression/compression.ts';
import { openOriginal } from '../../drivers/original/original.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type StoredAs, storedName } from './name.ts';

export { sidecar } from './sidecar.ts';

export type StorageOptions = {
	/** Cores with a lower score are not stored. */
	readonly valueThreshold: number;
	/** Larger files are not stored. */
	readonly maxFileSizeBytes: number;
	/** For cores that are not packed yet; `none` stores them as they are. */
	readonly compression: Compression | 'none';
};

type Deps = { readonly backend: Backend; readonly reports: Reports; readonly telemetry: Telemetry; readonly options: StorageOptions };

/** Keeps the cores that are worth keeping. */
export function storage({ backend, reports, telemetry, options }: Deps): Stage<'AnalysisResults'> {
	async function handle(event: Event<'AnalysisResults'>, signal: AbortSignal): Promise<Outcome> {
		const { key, body } = event;
		const { core, analysis } = body;
		if (!core) return skip(event, 'the crash left no core');
		const report = reports.report(key);
		if (!report) throw new Error(`crash ${key} has no report`);
		// What is stored stays under its name, whatever has become known since.
		if (report.storage?.form === 'full') return done(stored(event, core, report.storage));
		const reason = reasonToSkip(core, analysis, options);
		if (reason !== undefined) return skip(event, reason);
		try {
			const name = storedName(report);
			const storage = { ...(await backend.put(`${name}${storedAs(core, options)}`, contentOf(core, options), signal)), name };
			telemetry.coreStored(key, backend.kind, storage);
			return done(stored(event, core, { form: 'full', ...storage }));
		} catch (error) {
			if (error instanceof ContentLost) {
				telemetry.coreLost(key, error.message);
				return done({ kind: 'StorageEvent', ...followsFrom(event), body: { is: 'lost', reason: error.message } });
			}
			if (!(isBackendError(error) || error instanceof ContentUnavailable)) throw error;
			telemetry.storageFailed(key, backend.kind, error.message);
			return retry(error.message);
		}
	}

	function skip(event: Event<'AnalysisResults'>, reason: string): Outcome {
		telemetry.coreNotStored(event.key, reason);
		return done({ kind: 'StorageEvent', ...followsFrom(event), body: { is: 'skipped', reason } });
	}

	return { reads: ['AnalysisResults'], concurrency: 2, handle };
}

const stored = (event: Event<'AnalysisResults'>, core: Core, storage: Extract<Storage, { form: 'full' }>): Event<'StorageEvent'> => ({
	kind: 'StorageEvent',
	...followsFrom(event),
	body: { is: 'stored', core, storage },
});

function reasonToSkip(core: Core, { score }: Analysis, { valueThreshold, maxFileSizeBytes }: StorageOptions): string | undefined {
	if (score && score.total < valueThreshold) return `score ${score.total} is below ${valueThreshold} (analyzer.valueThreshold)`;
	if (core.sizeBytes > maxFileSizeBytes) return `${core.sizeBytes} bytes are more than ${maxFileSizeBytes} (collector.maxFileSize)`;
	return undefined;
}

const ends: Readonly<Record<Exclude<Core['encoding'], 'raw'> | StorageOptions['compression'], StoredAs>> = {
	zstd: '.core.zst',
	gzip: '.core.gz',
	lz4: '.core.lz4',
	xz: '.core.xz',
	apport: '.crash',
	none: '.core',
};

const storedAs = ({ encoding }: Core, { compression }: StorageOptions) => ends[encoding === 'raw' ? compression : encoding];

/** What is stored: a packed core as it is, a raw one packed on the way. */
function contentOf(core: Core, { compression }: StorageOptions): Content {
	return {
		async *open(signal) {
			try {
				await using file = await openOriginal(core);
				if (core.encoding === 'raw' && compression !== 'none') yield* packed(file, compression, signal);
				else yield* file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024, signal });
			} catch (cause) {
				signal.throwIfAborted();
				if (cause instanceof ContentLost) throw cause;
				throw new ContentUnavailable(`${core.path} can't be read: ${messageOf(cause)}`, { cause });
			}
		},
	};
}
