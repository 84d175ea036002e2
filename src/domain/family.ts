import { createHash } from 'node:crypto';
import type { CrashReport } from './report.ts';
import type { EpochMs } from './stage.ts';

/**
 * A crash loop makes hundreds of crashes that say the same. Those of one family within an hour are published together, except for the first few.
 */
export const folding = {
	/** So many crashes of a family have a published report of their own; the last of these stands for all that follow. */
	ownReports: 5,
	/** A family lasts so long from its first crash. */
	familyMs: (60 * 60_000) as EpochMs,
	/** So many families of one component of one instance; further ones are one family together, however different they look. */
	families: 10,
} as const;

/** Whose crashes they are, and what makes those alike. */
export type Family = {
	/** One component of one instance, or one program of one host. */
	readonly scope: string;
	/** Begins with the scope. */
	readonly name: string;
	/** The one for what is one too many. */
	readonly catchAll: string;
};

/** Which crashes are alike: those of one component of one instance, by their fingerprint, or else by how the process ended. */
export function familyOf({ association, process, fingerprint, signal, restart, kind, reason }: CrashReport): Family {
	const { namespace, instance, pod, component, container, exitCode, host } = association;
	const whose = pod === undefined ? ['host', host, process.name] : ['pod', namespace, instance ?? pod, component ?? container];
	const ending = [association.reason, exitCode ?? signal?.number ?? restart?.signal?.number, kind];
	// Without any of these the reason is all there is.
	const cause = fingerprint ?? (exitCode === undefined && signal === null ? [...ending, reason] : ending);
	const scope = digest(whose);
	return { scope, name: `${scope}.${digest(cause)}`, catchAll: `${scope}.*` };
}

/** Parts come from a crash: whatever is in them, they are text that a database keeps. */
const digest = (parts: unknown) => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
