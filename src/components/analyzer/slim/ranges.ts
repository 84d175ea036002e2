/** A stretch from `start` up to, not including, `end`. */
export type Range = { readonly start: number; readonly end: number };

/** A set of numbers, as stretches in order of which none touches another. */
export type Ranges = {
	/** How many numbers are in it. */
	readonly size: number;
	readonly all: readonly Range[];
	add(start: number, end: number): void;
	/** How far it goes on from a number without a gap; undefined where that is not in it. */
	endFrom(at: number): number | undefined;
	/** What of a stretch is in it. */
	within(start: number, end: number): Range[];
	/** What of a stretch is not in it. */
	without(start: number, end: number): Range[];
};

export function ranges(): Ranges {
	const all: Range[] = [];
	let size = 0;

	/** The first stretch that ends at a number or behind it. */
	function indexAt(at: number): number {
		let [low, high] = [0, all.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((all[middle] as Range).end < at) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	return {
		get size() {
			return size;
		},
		all,
		add(from, to) {
			if (from >= to) return;
			let [start, end] = [from, to];
			const first = indexAt(start);
			let last = first;
			for (; last < all.length && (all[last] as Range).start <= end; last++) {
				const range = all[last] as Range;
				start = Math.min(start, range.start);
				end = Math.max(end, range.end);
				size -= range.end - range.start;
			}
			all.splice(first, last - first, { start, end });
			size += end - start;
		},
		endFrom(at) {
			const range = all[indexAt(at + 1)];
			return range && range.start <= at ? range.end : undefined;
		},
		within(start, end) {
			const found: Range[] = [];
			for (let index = indexAt(start + 1); index < all.length; index++) {
				const range = all[index] as Range;
				if (range.start >= end) break;
				found.push({ start: Math.max(start, range.start), end: Math.min(end, range.end) });
			}
			return found;
		},
		without(start, end) {
			const left: Range[] = [];
			let at = start;
			for (let index = indexAt(start + 1); index < all.length && at < end; index++) {
				const range = all[index] as Range;
				if (range.start >= end) break;
				if (range.start > at) left.push({ start: at, end: range.start });
				at = Math.max(at, range.end);
			}
			if (at < end) left.push({ start: at, end });
			return left;
		},
	};
}
