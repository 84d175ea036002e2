import { z } from 'zod';
import type { Merit } from './history.ts';
import { excess, score } from './report.ts';
import { worthOf } from './score.ts';

/** Read of what stands beside stored cores, which others may have written. */

/** That a core was deleted from a store that several share, and why. */
const deletionNote = z.object({ time: z.iso.datetime({ precision: 3 }), why: excess, reason: z.string(), sizeBytes: z.int() });
export type DeletionNote = z.infer<typeof deletionNote>;

/** Undefined for what is no such note. */
export const deletionNoteIn = (json: unknown): DeletionNote | undefined => deletionNote.safeParse(json).data;

const reported = z.object({ fingerprint: z.string().nullable(), score: score.nullable() });

/** What a report says that its core is worth; undefined where it says nothing of that. */
export function meritIn(json: unknown): Merit | undefined {
	const { data } = reported.safeParse(json);
	return data && { fingerprint: data.fingerprint, worth: worthOf(data.score) };
}
