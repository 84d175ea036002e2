import { type CommonInformation, codeRange, commonInformation, entryAt, type FrameDescription, frameDescription } from './entries.ts';
import { UnwindError } from './error.ts';
import { type FrameHeader, frameHeader, type PairTable, tablePair } from './header.ts';
import type { Image, Range } from './image.ts';

/** Finds what describes the code at a linked address; undefined where nothing does. */
export type Search = (address: bigint) => Promise<FrameDescription | undefined>;

/** Functions with their FDEs, in order of address. */
type Table = { readonly count: number; at(index: number): Promise<{ readonly start: bigint; readonly fde: bigint }> };

/**
 * By the table of `.eh_frame_hdr`, where it lies; without one by a walk through all of `.eh_frame`, once, when it is first asked for.
 *
 * @throws {UnwindError} the header is damaged; while searching: what was found is
 */
export async function searchIn(image: Image): Promise<Search> {
	const cieAt = commonInformations(image);
	const header = image.ehFrameHeader && (await frameHeader(image, image.ehFrameHeader));
	let table: Promise<Table> | undefined;
	return async (address) => {
		table ??= header?.table ? inPlace(image, header.table) : walkThrough(image, header, cieAt);
		const fde = await lastNotAfter(await table, address);
		const entry = fde === undefined ? undefined : await entryAt(image, fde, image.endOfSegment(fde));
		if (entry === undefined) return undefined;
		if (entry.cie === undefined) throw new UnwindError('.eh_frame_hdr leads to a CIE; expected an FDE', entry.address);
		const found = frameDescription(await entry.content(), await cieAt(entry.cie));
		return found.initial_location <= address && address < found.end ? found : undefined;
	};
}

async function inPlace(image: Image, pairs: PairTable): Promise<Table> {
	return { count: pairs.fde_count, at: (index) => tablePair(image, pairs, index) };
}

async function lastNotAfter(table: Table, address: bigint): Promise<bigint | undefined> {
	let [low, high] = [0, table.count];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((await table.at(middle)).start <= address) low = middle + 1;
		else high = middle;
	}
	return low === 0 ? undefined : (await table.at(low - 1)).fde;
}

/** The largest programs known have some hundred thousand. */
const mostEntries = 1 << 20;

async function walkThrough(image: Image, header: FrameHeader | undefined, cieAt: CommonInformations): Promise<Table> {
	const found: { readonly start: bigint; readonly fde: bigint }[] = [];
	const { start, end } = image.ehFrame ?? entriesFrom(image, header?.eh_frame_ptr);
	for (let address = start, count = 0; address < end; count++) {
		if (count === mostEntries) throw new UnwindError(`.eh_frame has more than ${mostEntries} entries`, address);
		const entry = await entryAt(image, address, end);
		if (!entry) break;
		if (entry.cie !== undefined) {
			const { initial_location } = codeRange(await entry.content(), await cieAt(entry.cie));
			found.push({ start: initial_location, fde: address });
		}
		address = entry.next;
	}
	found.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
	return { count: found.length, at: async (index) => found[index] as (typeof found)[number] };
}

/** Where no section says how far they go, an entry of length 0 does. */
function entriesFrom(image: Image, start = 0n): Range {
	return start === 0n ? { start, end: start } : { start, end: image.endOfSegment(start) };
}

type CommonInformations = (address: bigint) => Promise<CommonInformation>;

/** A library has a handful. */
const mostKept = 256;

function commonInformations(image: Image): CommonInformations {
	const kept = new Map<bigint, CommonInformation>();
	return async (address) => {
		const known = kept.get(address);
		if (known) return known;
		const entry = await entryAt(image, address, image.endOfSegment(address));
		if (!entry || entry.cie !== undefined) throw new UnwindError('an FDE leads to what is no CIE', address);
		const cie = commonInformation(await entry.content());
		if (kept.size < mostKept) kept.set(address, cie);
		return cie;
	};
}
