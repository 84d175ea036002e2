import { basename } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { formatBytes } from '../../base/quantity.ts';
import type { Bodies } from '../../domain/events.ts';
import type { Core } from '../../domain/report.ts';
import { coredumpAttributes } from '../../drivers/attributes/attributes.ts';
import { unpackForeign } from '../../drivers/compression/compression.ts';
import { expectOriginal } from '../../drivers/original/original.ts';
import { type Corefile, readHead, readPass } from '../../readers/corefile/corefile.ts';
import { type Origin, originOf as originByName, readOrigin } from '../../readers/corename/corename.ts';
import { containerOf, type LayersOf } from './container.ts';
import type { CoreEvidence } from './core-side.ts';
import { findings } from './findings.ts';
import type { KnownIssueEntry } from './knownissues/knownissues.ts';
import type { LogEvidence } from './log-side.ts';
import { type FoundModule, findModules, type SymbolPlaces, unusedExecutable } from './modules.ts';
import { readLog } from './read-log.ts';
import { ScratchError, scratchFolder, type Unpacking, unpackCore } from './scratch.ts';
import { type Slimming, slimCore } from './slim/slim.ts';
import { unwind } from './unwinding.ts';

export type AnalyseOptions = {
	/** Where the files of a process are that ran in no container that is known. */
	readonly places: SymbolPlaces;
	/** Of what the root of a container is made; absent on a machine of its own. */
	readonly layersOf?: LayersOf | undefined;
	/** Where the core is read, where that is a copy and not the file that was found. */
	readonly copy?: Core | undefined;
	/** Absent: no debugger. */
	readonly gdb?: { readonly program?: string; readonly timeoutMs: number } | undefined;
	readonly scratch: { readonly path: string; readonly maxBytes: number };
	readonly panicKeywords: readonly string[];
	readonly knownIssues: readonly KnownIssueEntry[];
	/** Name of the machine, for cores of its own processes that do not say where they ran. */
	readonly host?: string | undefined;
	/** kernel.core_pattern of the machine that wrote the core, if it is this one. */
	readonly corePattern?: string | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly onProgress?: ((step: Step, share?: number) => void) | undefined;
};

/** What takes so long. */
export type Step = 'unpacking' | 'reading' | 'fetching files' | 'unwinding';

/** Variables that tell where a process ran and how it was set up, and hold no secrets. */
const environmentNames =
	'HOSTNAME POD_NAME POD_NAMESPACE NODE_NAME DEPLOY_MODE GOTRACEBACK GODEBUG LD_LIBRARY_PATH LD_PRELOAD MALLOC_CONF'.split(' ');

/** A compressed core that takes longer to read is judged by what was read of it. */
const readingLimitMs = 10 * 60_000;

/**
 * Finds out all about one crash: what its core says by itself, what a debugger adds, and what the process wrote. Whatever of it fails is missing
 * in the result, which says so.
 *
 * @throws {CorefileError} not a core
 * @throws {NoUnpackerError} the program that unpacks it is not installed
 */
export async function analyse(found: Bodies['CoredumpFile'], options: AnalyseOptions): Promise<Bodies['AnalysisResults']> {
	const { knownIssues, panicKeywords, host, signal } = options;
	const core = found.core ? await coreSide(found.core, found, options) : undefined;
	const log = found.log ? await logSide(found, found.log.path, signal) : undefined;
	return findings({ found, core, log, knownIssues, panicKeywords, host });
}

/** The log is kept for a while only; a crash of which more is known is looked into without it, unless that was done before. */
async function logSide(found: Bodies['CoredumpFile'], path: string, signal: AbortSignal | undefined): Promise<LogEvidence> {
	try {
		return await readLog(path, signal);
	} catch (error) {
		const isAllThereIs = !found.core && (!found.restart || found.isAnew === true);
		if (codeOf(error) !== 'ENOENT' || isAllThereIs) throw error;
		return { trace: { statements: [], stacks: [] }, notes: ['the log of the process is gone'] };
	}
}

async function coreSide(core: Core, { time, association }: Bodies['CoredumpFile'], options: AnalyseOptions): Promise<CoreEvidence> {
	await using stack = new AsyncDisposableStack();
	const file = options.copy ?? core;
	await expectOriginal(file);
	const folder = await workFolder(stack, file, options);
	const container =
		options.layersOf && (await containerOf(association, options.layersOf, folder.is === 'folder' ? folder.path : undefined));
	if (container?.root) stack.use(container.root);
	const places = container ? { ...options.places, sysroot: undefined, container: container.root } : options.places;
	const symbolNotes: string[] = [];
	const modulesOf = (corefile: Corefile) =>
		findModules(corefile, places, Date.parse(time), {
			signal: options.signal,
			onNote: (note) => symbolNotes.push(note),
			onAsking: () => options.onProgress?.('fetching files'),
		});
	const { corefile, rawPath, notes, modules = await modulesOf(corefile) } = await readCore(file, folder, modulesOf, options);
	const unused = unusedExecutable(corefile, modules, places);
	const gone = modules.some(({ module }) => module.file === 'missing') ? container?.problem : undefined;
	const evidence = {
		origin: await originOf(core, options),
		corefile,
		modules,
		notes: [...notes, ...corefile.problems, ...[slimNote(corefile), gone, unused].filter((note) => note !== undefined), ...symbolNotes],
	};
	await expectOriginal(file);
	if (rawPath === undefined) return { ...evidence, stacks: undefined };
	options.onProgress?.('unwinding');
	const gdb = options.gdb && (folder.is === 'folder' ? { ...options.gdb, folder: folder.path } : { refusal: folder.reason });
	const unwound = await unwind({ core: rawPath, corefile, modules, gdb, signal: options.signal });
	await expectOriginal(file);
	return { ...evidence, stacks: unwound.stacks, notes: [...evidence.notes, ...unwound.notes] };
}

/** What is missing in a slim core was left out on purpose; the whole one told more. */
const slimNote = ({ slim }: Corefile) =>
	slim && `what was read is a slim core: of ${formatBytes(slim.originalBytes)} it has what the stacks need, and what lies about the crash`;

/** A copy has a name of its own, which tells nothing; a report of apport is one all the same. */
async function originOf(core: Core, { copy, corePattern: pattern }: AnalyseOptions): Promise<Origin> {
	const { path } = copy?.encoding === 'apport' ? copy : core;
	if (copy && path === core.path) return originByName(basename(path), {}, pattern);
	return readOrigin(path, { attributes: await coredumpAttributes(path), pattern });
}

/** Where a debugger works and a core is unpacked, or why there is no such place. */
type WorkFolder = { readonly is: 'folder'; readonly path: string } | { readonly is: 'none'; readonly reason: string };

async function workFolder(stack: AsyncDisposableStack, { encoding }: Core, { scratch, gdb }: AnalyseOptions): Promise<WorkFolder> {
	if (!gdb && encoding === 'raw') return { is: 'none', reason: 'it is not needed' };
	try {
		return { is: 'folder', path: stack.use(await scratchFolder(scratch.path)).path };
	} catch (error) {
		if (!(error instanceof ScratchError)) throw error;
		return { is: 'none', reason: `${error.message} (analyzer.scratchPath)` };
	}
}

type ReadCore = {
	readonly corefile: Corefile;
	/** Where the core can be read at any place, or of a packed one a slim core of it; absent when it stays packed. */
	readonly rawPath?: string;
	/** Where they had to be looked for already. */
	readonly modules?: readonly FoundModule[];
	readonly notes: readonly string[];
};

/** Reads the core; of a compressed one a slim core is made where there is a place for it, so that its stacks can be followed; or where there can be none, it is unpacked. */
async function readCore(
	core: Core,
	folder: WorkFolder,
	modulesOf: (corefile: Corefile) => Promise<readonly FoundModule[]>,
	options: AnalyseOptions,
): Promise<ReadCore> {
	const { encoding, path } = core;
	const { signal, onProgress } = options;
	const reading = {
		environmentNames,
		unpackForeign,
		signal,
		timeLimitMs: readingLimitMs,
		onProgress: (share: number) => onProgress?.('reading', share),
	};
	if (encoding === 'raw') return { corefile: await readPass(path, reading), rawPath: path, notes: [] };
	if (folder.is === 'none') return { corefile: await readPass(path, reading), notes: [`no stack: ${folder.reason}`] };
	const slim = await slimCore(core, folder.path, {
		...reading,
		modulesOf,
		maxBytes: options.scratch.maxBytes,
		timeLimitMs: readingLimitMs,
		onProgress: (share) => onProgress?.('unpacking', share),
	});
	if (slim.is === 'slim') return ofSlim(slim, await readHead(slim.path));
	const head = await readHead(path, reading);
	const unpacking = await unpackCore({ ...core, encoding }, folder.path, {
		maxBytes: options.scratch.maxBytes,
		expectedBytes: head.expectedBytes,
		timeLimitMs: readingLimitMs,
		signal,
		onProgress: (share) => onProgress?.('unpacking', share),
	});
	switch (unpacking.is) {
		case 'unpacked':
			return ofUnpacked(await readPass(unpacking.path, reading), unpacking);
		case 'not unpacked':
			return { corefile: await readPass(path, reading), notes: [`no stack: the core was not unpacked: ${unpacking.reason}`] };
		case 'no time':
			return { corefile: head, notes: [`no stack: the core was not unpacked: ${unpacking.reason}`] };
		default:
			return unpacking satisfies never;
	}
}

/** What the whole core says, with the memory that the slim one has. What was too much for that is told: a stack that ends early may end for that. */
const ofSlim = ({ corefile, path, modules, isCut }: Extract<Slimming, { is: 'slim' }>, { extentAt }: Corefile): ReadCore => ({
	corefile: { ...corefile, extentAt },
	rawPath: path,
	modules,
	notes: isCut ? ['of the memory that the stacks lead to, more would have been needed than is taken from a packed core'] : [],
});

/** What was unpacked may be of the right size and still hold wrong bytes. */
function ofUnpacked(corefile: Corefile, { path, ending }: Extract<Unpacking, { is: 'unpacked' }>): ReadCore {
	const complete = corefile.complete === 'yes' && ending?.isDamaged ? 'unknown' : corefile.complete;
	return { corefile: { ...corefile, complete }, rawPath: path, notes: ending ? [ending.words] : [] };
}
