import type { FileHandle } from 'node:fs/promises';
import { messageOf } from '../../base/errors.ts';
import { fileChunks } from '../../base/file-chunks.ts';
import { openRegular } from '../../base/regular-file.ts';
import { type Backend, BackendFull, type Content, ContentLost, ContentUnavailable, isBackendError } from '../../domain/backend.ts';
import { type Event, followsFrom } from '../../domain/events.ts';
import { isDeleted } from '../../domain/fold.ts';
import { type History, seriesOf } from '../../domain/history.ts';
import type { Analysis, Core, CrashReport } from '../../domain/report.ts';
import type { Reports } from '../../domain/reports.ts';
import { worthOf } from '../../domain/score.ts';
import { done, type EpochMs, type Outcome, retry, type Stage, wait } from '../../domain/stage.ts';
import { isKept, type StoredCore } from '../../domain/stored-file.ts';
import { type Compression, packed } from '../../drivers/compression/compression.ts';
import { openOriginal } from '../../drivers/original/original.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type StoredAs, storedName } from './name.ts';
import type { Room } from './room.ts';
import { type Sample, type Sampling, sampleOf, unsampled } from './sampling.ts';

export { type Bearings, bearingsOf } from './bearings.ts';
export { deletionNote } from './beside.ts';
export { eraser } from './eraser.ts';
export { noticeDeletions } from './notice.ts';
export { sparing } from './outage.ts';
export { type Kept, ownStore } from './own-store.ts';
export { pinCore, pinnedCores, unpinCore } from './pins.ts';
export { type RetentionOptions, retention } from './retention.ts';
export { DamagedError, read, retrieve } from './retrieve.ts';
export { createRoom, type Room } from './room.ts';
export { type SharedStoreDeps, sharedStore } from './shared-store.ts';
export { sidecar } from './sidecar.ts';
export { type Finding, type Verification, verifyStore } from './verify.ts';

export type StorageOptions = {
	/** Cores with a lower score are not stored. */
	readonly valueThreshold: number;
	/** Larger files are not stored. */
	readonly maxFileSizeBytes: number;
	/** For cores that are not packed yet; `none` stores them as they are. */
	readonly compression: Compression | 'none';
	readonly sampling: Sampling;
};

type Deps = {
	readonly backend: Backend;
	readonly reports: Reports;
	readonly history: Pick<History, 'kept'>;
	/**
	 * The name that was decided on first for the core of a crash. Else a core that was put, of which a death of the process kept that from being known,
	 * would be put again under another name, when more is known of the crash by then.
	 */
	readonly nameOnce?: (id: string, name: string) => string;
	readonly room: Room;
	/** Absent: cores are stored whole. */
	readonly slimOf?: SlimOf;
	readonly telemetry: Telemetry;
	readonly options: StorageOptions;
	readonly now?: () => EpochMs;
};

/**
 * Makes a slim core of the core of a crash: in a file that is there until it is disposed of, or says why there is none.
 *
 * @throws {ContentLost}
 */
export type SlimOf = (core: Core, report: CrashReport, signal: AbortSignal) => Promise<Slim>;

type Slim = AsyncDisposable & ({ readonly is: 'slim'; readonly path: string } | { readonly is: 'not slim'; readonly reason: string });

/** After so long it is looked again whether a core that was being stored is. */
const lookAgainMs = 1_000;

/** Keeps the cores that are worth keeping. */
export function storage({
	backend,
	reports,
	history,
	nameOnce = (_, name) => name,
	room,
	slimOf,
	telemetry,
	options,
	now = Date.now,
}: Deps): Stage<'AnalysisResults'> {
	/** The cores that are being stored, or are and the journal does not say so yet, by the ids of their crashes. */
	const underway = new Map<string, Kin>();

	async function handle(event: Event<'AnalysisResults'>, signal: AbortSignal): Promise<Outcome> {
		const { key, body } = event;
		const { core, analysis } = body;
		if (!core) return skip(event, 'the crash left no core');
		const report = reports.report(key);
		if (!report) throw new Error(`crash ${key} has no report`);
		// What is stored stays under its name, whatever has become known since.
		if (isKept(report.storage)) return done(stored(event, core, report.storage));
		if (isDeleted(report)) return done();
		const reason = reasonToSkip(core, analysis, options);
		if (reason !== undefined) return skip(event, reason);
		const sample = sampleFor(report);
		if (!sample) return wait(now() + lookAgainMs, `stored/${key}`);
		if (sample.form === 'none') {
			telemetry.coreSampledOut(key, sample.reason);
			return done(skipped(event, sample.reason));
		}
		underway.set(key, kinOf(report));
		try {
			const name = nameOnce(key, storedName(report));
			await using slim = sample.form === 'slim' ? await slimOf?.(core, report, signal) : undefined;
			const { form, reason, as, content } = toPut(core, sample, slim, options);
			const put = await backend.put(`${name}${as}`, content, signal);
			const storage = { form, ...put, name, reason };
			room.forget(key);
			telemetry.coreStored(key, backend.kind, storage);
			return done(stored(event, core, storage));
		} catch (error) {
			underway.delete(key);
			if (error instanceof BackendFull) room.lacks(key, core.sizeBytes);
			else room.forget(key);
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
		return done(skipped(event, reason));
	}

	/** Undefined where it depends on whether others of its series, which are being stored, will be. */
	function sampleFor(report: CrashReport): Sample | undefined {
		const { series, worth } = kinOf(report);
		if (series === undefined) return unsampled;
		for (const id of underway.keys()) if (id === report.id || isStored(reports.report(id))) underway.delete(id);
		const kept = history.kept(series, worth, report.id);
		const perhaps = [...underway.values()].filter((other) => other.series === series && other.worth >= worth).length;
		const sample = sampleOf(kept + perhaps, options.sampling);
		if (sample.form === 'none' && sampleOf(kept, options.sampling).form !== 'none') return undefined;
		return sample;
	}

	return { reads: ['AnalysisResults'], concurrency: 2, isPatient: true, handle };
}

const isStored = (report: CrashReport | undefined) => report !== undefined && (isKept(report.storage) || isDeleted(report));

type Kin = { readonly series: string | undefined; readonly worth: number };
const kinOf = (report: CrashReport): Kin => ({ series: seriesOf(report), worth: worthOf(report.score) });

const skipped = (event: Event<'AnalysisResults'>, reason: string): Event<'StorageEvent'> => ({
	kind: 'StorageEvent',
	...followsFrom(event),
	body: { is: 'skipped', reason },
});

const stored = (event: Event<'AnalysisResults'>, core: Core, storage: StoredCore): Event<'StorageEvent'> => ({
	kind: 'StorageEvent',
	...followsFrom(event),
	body: { is: 'stored', core, storage, ...(event.body.isAnew && { isAnew: true }) },
});

function reasonToSkip(core: Core, { score }: Analysis, { valueThreshold, maxFileSizeBytes }: StorageOptions): string | undefined {
	if (score && score.total < valueThreshold) return `score ${score.total} is below ${valueThreshold} (analyzer.valueThreshold)`;
	if (core.sizeBytes > maxFileSizeBytes) return `${core.sizeBytes} bytes are more than ${maxFileSizeBytes} (collector.maxFileSize)`;
	return undefined;
}

const ends: Readonly<Record<Exclude<Core['encoding'], 'raw'> | 'none', StoredAs>> = {
	zstd: '.core.zst',
	gzip: '.core.gz',
	lz4: '.core.lz4',
	xz: '.core.xz',
	apport: '.crash',
	none: '.core',
};

const endOf = (encoding: Core['encoding'], { compression }: StorageOptions): StoredAs =>
	ends[encoding !== 'raw' ? encoding : compression === 'none' ? compression : compression.is];

type ToPut = { readonly form: 'full' | 'slim'; readonly reason: string; readonly as: StoredAs; readonly content: Content };

/** A packed core as it is, a raw one packed on the way, which need not give the same bytes again; or the slim one that was made of it. */
function toPut(core: Core, { form, reason }: Sample, slim: Slim | undefined, options: StorageOptions): ToPut {
	const packing = options.compression === 'none' ? undefined : options.compression;
	if (slim?.is === 'slim') {
		const content = contentOf(slim.path, () => openRegular(slim.path), packing);
		return { form: 'slim', reason, as: endOf('raw', options), content };
	}
	const why = form === 'slim' ? `${reason}; whole: ${slim?.reason ?? 'nothing makes it slim here'}` : reason;
	const isPacked = core.encoding !== 'raw';
	const content = contentOf(core.path, () => openOriginal(core), isPacked ? undefined : packing);
	const known = isPacked || !packing ? { identity: core.fileId, sizeBytes: core.sizeBytes } : {};
	return { form: 'full', reason: why, as: endOf(core.encoding, options), content: { ...content, ...known } };
}

const contentOf = (path: string, openFile: () => Promise<FileHandle>, packing: Compression | undefined): Content => ({
	async *open(signal) {
		try {
			await using file = await openFile();
			if (packing) yield* packed(file, packing, signal);
			else yield* fileChunks(file, signal);
		} catch (cause) {
			signal.throwIfAborted();
			if (cause instanceof ContentLost) throw cause;
			throw new ContentUnavailable(`${path} can't be read: ${messageOf(cause)}`, { cause });
		}
	},
});
