/** How much is kept of the crashes of one series. */
export type Sampling = {
	/** So many cores are kept whole. */
	readonly full: number;
	/** So many more are kept with what tells most of them. */
	readonly slim: number;
};

/** What becomes of a core, and why. `none`: its crash is only counted. */
export type Sample = { readonly form: 'full' | 'slim' | 'none'; readonly reason: string };

/**
 * What is kept of one more core of a series.
 *
 * @param kept how many of it were kept before that are worth as much, or more: one that is worth more than all of them is as if it were the first
 */
export function sampleOf(kept: number, { full, slim }: Sampling): Sample {
	const most = full + slim;
	if (kept < full) return { form: 'full', reason: `core ${kept + 1} of ${most} of this bug, instance and image (storage.sampling)` };
	if (kept < most) return { form: 'slim', reason: `core ${kept + 1} of ${most} of this bug, instance and image (storage.sampling)` };
	if (kept === 0) return { form: 'none', reason: 'no cores are kept (storage.sampling)' };
	const those = kept === 1 ? 'a core' : `${kept} cores`;
	return { form: 'none', reason: `${those} of this bug, instance and image, worth as much or more, were kept before (storage.sampling)` };
}

/** Of a core that belongs to no series: nothing says that it tells the same as another. */
export const unsampled: Sample = { form: 'full', reason: 'nothing tells which bug it is, so that it is not counted with others' };
