import { z } from 'zod';
import { analysis, core, log, storage } from './report.ts';

/** What each kind of event carries. JSON only: addresses are hex strings, times are ISO 8601. The journal checks a body against its schema when it is claimed. */
export const bodies = {
	/** A crash: its core file, complete or not growing any more, or without one what the process wrote. */
	CoredumpFile: z.strictObject({
		core: core.nullable(),
		log: log.nullable(),
		time: z.iso.datetime({ precision: 3 }),
		foundAt: z.iso.datetime({ precision: 3 }),
	}),
	AnalysisResults: z.strictObject({ core: core.nullable(), analysis }),
	StorageEvent: z.discriminatedUnion('is', [
		z.strictObject({ is: z.literal('stored'), core, storage: storage.options[0] }),
		z.strictObject({ is: z.literal('skipped'), reason: z.string() }),
		z.strictObject({ is: z.literal('lost'), reason: z.string() }),
	]),
} as const;

export type Kind = keyof typeof bodies;
export type Bodies = { readonly [K in Kind]: z.infer<(typeof bodies)[K]> };

/** One thing that happened. The key says what it is about: the same thing reported twice is one event. */
export type Event<K extends Kind = Kind> = {
	[P in K]: {
		readonly kind: P;
		/** The crash's id. */
		readonly key: string;
		/** Wakes the work that waits for it. */
		readonly joinKey?: string;
		/** The file that told of it, so that the journal knows it again. */
		readonly original?: string;
		readonly body: Bodies[P];
	};
}[K];
