import type { Layers } from '../../domain/layers.ts';

/** One run of a container, and of which image. */
export type RunOfImage = { readonly id: string; readonly image: string; readonly imageId?: string | undefined };

/** As it is kept: an image has many runs, and its directories stand here once. */
type Kept = {
	readonly images: Readonly<Record<string, readonly string[]>>;
	/** The newest last. */
	readonly runs: readonly (RunOfImage & { readonly lowers: string; readonly upper?: string })[];
};

/** Of runs that are over so many are kept, the newest. Older ones have their image in common with one of these, or are of no interest any more. */
const mostOver = 100;

/** Of which directories the roots of containers are, or were, made. */
export function knownRoots(text: string | undefined) {
	const runs = new Map<string, RunOfImage & Layers>();
	const kept: Kept = JSON.parse(text ?? '{"images":{},"runs":[]}');
	for (const { lowers, ...run } of kept.runs) runs.set(run.id, { ...run, lowers: kept.images[lowers] ?? [] });

	return {
		has: (id: string): boolean => runs.has(id),
		add: (run: RunOfImage, layers: Layers): unknown => runs.set(run.id, { ...run, ...layers }),
		/**
		 * The layers of a run; for one that was never seen those of its image, by the newest run of that: only what it wrote itself is missing then.
		 */
		layersOf({ id, image, imageId }: { readonly [K in keyof RunOfImage]?: RunOfImage[K] | undefined }): Layers | undefined {
			const run = id === undefined ? undefined : runs.get(id);
			if (run) return run.upper === undefined ? { lowers: run.lowers } : { upper: run.upper, lowers: run.lowers };
			const newest = [...runs.values()].reverse();
			const sibling =
				newest.find((one) => imageId !== undefined && one.imageId === imageId) ??
				newest.find((one) => image !== undefined && one.image === image && (imageId === undefined || one.imageId === undefined));
			return sibling && { lowers: sibling.lowers };
		},
		/** @param goesOn which runs may still come to an end */
		text(goesOn: (id: string) => boolean): string {
			const over = [...runs.keys()].filter((id) => !goesOn(id));
			for (const id of over.slice(0, Math.max(0, over.length - mostOver))) runs.delete(id);
			const images: Record<string, readonly string[]> = {};
			const numbers = new Map<string, string>();
			const list = [...runs.values()].map(({ lowers, ...run }) => {
				const name = lowers.join(':');
				const number = numbers.get(name) ?? String(numbers.size);
				numbers.set(name, number);
				images[number] = lowers;
				return { ...run, lowers: number };
			});
			return JSON.stringify({ images, runs: list } satisfies Kept);
		},
	};
}
