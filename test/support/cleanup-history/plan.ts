export const second = 1000;
export const minute = 60 * second;

export const rules = {
	limit: 5,
	windowMs: 60 * minute,
	delayMs: 5 * minute,
	keepMs: 40 * minute,
	timeoutMs: 10 * minute,
	keepRemovedMs: 50 * minute,
	graceMs: minute,
	/** Of an instance that the operator may bring back. */
	watchMs: 12 * minute,
	lookEveryMs: 30 * second,
} as const;

export const end = 4 * 60 * minute;

export type Span = { readonly from: number; readonly lasts: number };
export type Plan = ReturnType<typeof plan>;

/** What comes from outside in some made-up hours. */
export function plan(random: () => number) {
	const between = (least: number, most: number) => least + random() * (most - least);
	const several = <T>(least: number, most: number, make: (index: number) => T): T[] =>
		Array.from({ length: Math.floor(between(least, most)) }, (_, index) => make(index));
	const spans = (most: number, longest: number): Span[] =>
		several(0, most, () => ({ from: between(0, end), lasts: between(minute, longest) }));
	const bouts = several(1, 5, () => ({ from: between(0, end), lasts: between(0, 110 * minute), every: between(45 * second, 12 * minute) }));
	return {
		kind: random() < 0.5 ? ('helm' as const) : ('operator' as const),
		crashes: bouts.flatMap(({ from, lasts, every }) => several(lasts / every, lasts / every, (index) => from + index * every)),
		/** By somebody: they do not count. */
		kills: several(0, 10, () => between(0, end)),
		backOffs: spans(3, 30 * minute),
		/** Somebody has mended it, for so long as it lasts. */
		calms: [] as Span[],
		vetoes: spans(5, 30 * minute),
		/** It is only named then. */
		dryRuns: random() < 0.1 ? [{ from: 0, lasts: end }] : spans(4, 50 * minute),
		/** Others were removed, and there is no room for more. */
		holds: spans(4, 30 * minute),
		/** Somebody uninstalls it. */
		ends: several(0, 3, () => between(0, end)),
		/** Nobody comes to lead then. */
		nobody: spans(3, 20 * minute),
		/** So many believe to lead. */
		leaders: random() < 0.3 ? 2 : 1,
	};
}

export const isIn = (spans: readonly Span[], at: number): boolean => spans.some(({ from, lasts }) => at >= from && at < from + lasts);
