import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { openRegular } from '../../../base/regular-file.ts';
import type { Core } from '../../../domain/report.ts';
import {
	type Corefile,
	NoUnpackerError,
	passOver,
	type ReadOptions,
	readHead,
	readPass,
	slimPlan,
} from '../../../readers/corefile/corefile.ts';
import type { FoundModule } from '../modules.ts';
import { isFull } from '../scratch.ts';
import { fetched } from './fetched.ts';
import { type Held, keepingOf, nothingWanted, type Wanted } from './keeping.ts';
import { look } from './look.ts';
import { type Range, ranges } from './ranges.ts';
import { writeSlim } from './write.ts';

export type SlimOptions = Pick<ReadOptions, 'environmentNames' | 'signal' | 'unpackForeign' | 'onProgress'> & {
	/** The files of the modules, by what the whole core says. */
	readonly modulesOf: (corefile: Corefile) => Promise<readonly FoundModule[]>;
	/** How much room there is in the folder. */
	readonly maxBytes: number;
	/** How long a compressed core may be read. */
	readonly timeLimitMs: number;
};

export type Slimming =
	| {
			readonly is: 'slim';
			readonly path: string;
			readonly sizeBytes: number;
			/** The whole core as it was read for it. */
			readonly corefile: Corefile;
			readonly modules: readonly FoundModule[];
			/** More would have been kept than may be, or could be found in so many passes. */
			readonly isCut: boolean;
	  }
	| { readonly is: 'not slim'; readonly reason: string };

/** What is kept of memory, and what notes may take. */
const [mostBytes, leastBytes, mostNoteBytes] = [64 << 20, 8 << 20, 48 << 20];
/** What must stay free on the disk. */
const floorBytes = 256 << 20;
/** How often a compressed core is gone through: what the notes tell of is fetched first, then what that leads to. */
const mostPasses = 3;

/**
 * Makes a slim core of a core: with notes, stacks, what the walk over them reads, modules' data, the list of libraries, and what the crashed thread had
 * in hand. Debuggers find in it what they tell of the whole one. A compressed core is gone through in constant memory, and not unpacked as a whole.
 *
 * @param folder takes `core.slim`, and for a while what it is made of
 * @throws {CorefileError}
 */
export async function slimCore(core: Pick<Core, 'path' | 'encoding'>, folder: string, options: SlimOptions): Promise<Slimming> {
	const { bavail, bsize } = await statfs(folder);
	const room = Math.min(options.maxBytes, bavail * bsize - floorBytes);
	const most = Math.min(mostBytes, Math.floor(room / 3));
	if (most < leastBytes) return { is: 'not slim', reason: 'there is no room for it' };
	try {
		return await (core.encoding === 'raw' ? ofRaw : ofPacked)(core.path, folder, most, options);
	} catch (error) {
		if (isFull(error)) return { is: 'not slim', reason: 'there is no room for it' };
		if (error instanceof NoUnpackerError) return { is: 'not slim', reason: error.message };
		throw error;
	}
}

async function ofRaw(path: string, folder: string, most: number, options: SlimOptions): Promise<Slimming> {
	const corefile = await readPass(path, options);
	const reason = unfit(corefile);
	if (reason !== undefined) return { is: 'not slim', reason };
	await using file = await openRegular(path);
	const { size } = await file.stat();
	const held: Held = {
		file,
		endFrom: (offset) => (offset < size ? size : undefined),
		within: (start, end) => (start < size ? [{ start, end: Math.min(end, size) }] : []),
	};
	const wanted = nothingWanted();
	const modules = await options.modulesOf(corefile);
	await look(keepingOf(corefile, held, wanted, most), path, modules, options.signal);
	return await written(corefile, modules, { wanted, held }, folder, options);
}

async function ofPacked(path: string, folder: string, most: number, options: SlimOptions): Promise<Slimming> {
	const { signal, timeLimitMs, onProgress } = options;
	const head = await readHead(path, options);
	const reason = unfit(head);
	if (reason !== undefined) return { is: 'not slim', reason };
	const partPath = join(folder, 'core.part');
	await using part = await fetched(partPath);
	await using _part = { [Symbol.asyncDispose]: () => rm(partPath) };
	const wanted = nothingWanted();
	const started = performance.now();
	const reading = (pass: number): ReadOptions => ({
		...options,
		isByProgram: true,
		timeLimitMs: Math.max(1, Math.round(timeLimitMs - (performance.now() - started))),
		onProgress: (share) => onProgress?.((pass + share) / mostPasses),
	});
	await look(keepingOf(head, part, wanted, most), partPath, undefined, signal);
	const first = [...part.missing(wanted), ...notesOf(head)];
	const corefile = await readPass(path, { ...reading(0), tap: { ranges: inOrder(first), take: part.take } });
	const modules = await options.modulesOf(corefile);
	for (let pass = 1; ; pass++) {
		await look(keepingOf(corefile, part, wanted, most), partPath, modules, signal);
		const isNeeded = part.needs(wanted);
		const missing = part.missing(wanted);
		const isTimeLeft = (performance.now() - started) * (1 + 1 / pass) < timeLimitMs;
		if (missing.length === 0 || pass >= mostPasses || !isTimeLeft) {
			wanted.isCut ||= isNeeded;
			break;
		}
		await passOver(path, { ranges: missing, take: part.take }, reading(pass));
	}
	return await written(corefile, modules, { wanted, held: part }, folder, options);
}

/** Why there is no slim core of a core. */
function unfit({ threads, slim, segments }: Corefile): string | undefined {
	if (slim) return 'it is slim already';
	if (threads.length === 0) return 'what its notes say is not near its start';
	const noteBytes = segments.noteSegments.reduce((total, { p_filesz }) => total + p_filesz, 0n);
	return noteBytes > mostNoteBytes ? `its notes take ${noteBytes} bytes` : undefined;
}

const notesOf = ({ segments }: Corefile): Range[] =>
	segments.noteSegments.map(({ p_offset, p_filesz }) => ({ start: Number(p_offset), end: Number(p_offset + p_filesz) }));

function inOrder(some: readonly Range[]): readonly Range[] {
	const all = ranges();
	for (const { start, end } of some) all.add(start, end);
	return all.all;
}

async function written(
	corefile: Corefile,
	modules: readonly FoundModule[],
	{ wanted, held }: { readonly wanted: Wanted; readonly held: Held },
	folder: string,
	{ signal }: SlimOptions,
): Promise<Slimming> {
	const path = join(folder, 'core.slim');
	const original = {
		machine: corefile.architecture.machine,
		segments: corefile.segments,
		originalBytes: corefile.uncompressedBytes ?? corefile.expectedBytes,
		originalComplete: corefile.complete,
	};
	const atHand = (some: readonly Range[]) => some.flatMap(({ start, end }) => held.within(start, end));
	const plan = slimPlan(original, atHand(wanted.kept.all), atHand(notesOf(corefile)));
	await using file = await open(path, 'wx', 0o600);
	await writeSlim(plan, held.file, file, signal);
	return { is: 'slim', path, sizeBytes: plan.sizeBytes, corefile, modules, isCut: wanted.isCut };
}
