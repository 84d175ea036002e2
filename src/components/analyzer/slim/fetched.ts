import { type FileHandle, open } from 'node:fs/promises';
import type { Held, Wanted } from './keeping.ts';
import { type Range, type Ranges, ranges } from './ranges.ts';

/** What has been fetched of a compressed core: a file with holes, in which the bytes stand where they would in the unpacked core. */
export type Fetched = Held &
	AsyncDisposable & {
		readonly held: Ranges;
		/** Whether there is something to be kept that has not been tried for. */
		needs(wanted: Wanted): boolean;
		/** What is wanted and has not been tried for, with what lies around it: where one thing is, others are that it leads to. */
		missing(wanted: Wanted): readonly Range[];
		take(offset: number, bytes: Buffer): Promise<void>;
	};

const aroundBytes = 64 * 1024;
const mostPeeked = 32 << 20;
const zeros = Buffer.alloc(256 * 1024);

/** @param path of a file that is not there yet */
export async function fetched(path: string): Promise<Fetched> {
	const file: FileHandle = await open(path, 'wx+', 0o600);
	const held = ranges();
	const tried = ranges();
	let length = 0;

	return {
		file,
		held,
		endFrom: (offset) => held.endFrom(offset),
		within: (start, end) => held.within(start, end),
		needs: ({ kept }) => kept.all.some(({ start, end }) => tried.without(start, end).length > 0),
		missing({ kept, peeked }) {
			const missing = ranges();
			for (const range of kept.all)
				for (const { start, end } of tried.without(range.start, range.end))
					missing.add(Math.max(0, start - aroundBytes), end + aroundBytes);
			let left = mostPeeked;
			for (const { start, end } of peeked.all) {
				left -= end - start;
				if (left > 0) missing.add(start, end);
			}
			const untried = missing.all.flatMap(({ start, end }) => tried.without(start, end));
			for (const { start, end } of untried) tried.add(start, end);
			return untried;
		},
		async take(offset, bytes) {
			held.add(offset, offset + bytes.length);
			const end = offset + bytes.length;
			if (end > length) {
				length = end;
				await file.truncate(end);
			}
			if (!bytes.equals(zeros.subarray(0, bytes.length))) await file.write(bytes, 0, bytes.length, offset);
		},
		[Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
	};
}
