import type { Event } from './events.ts';
import { fold } from './fold.ts';
import type { CrashReport } from './report.ts';

/** An event of one crash; what it says may be forgotten. */
export type Kept = Pick<Event, 'kind' | 'key'> & { readonly revision: number; readonly body: unknown };

/** A crash report as it once was. What has become of the stored core since is in it all the same. */
export type Revision =
	| { readonly is: 'report'; readonly report: CrashReport }
	/** What it was made of is forgotten. */
	| { readonly is: 'forgotten' }
	| { readonly is: 'never' };

/**
 * The report as it was at a revision.
 *
 * @param events of the crash, in their order
 * @param now the report as it is
 */
export function reportAt(events: readonly Kept[], revision: number, now: CrashReport): Revision {
	if (revision === now.revision) return { is: 'report', report: now };
	const until = events.filter((event) => event.revision <= revision);
	const isOne = revision < now.revision && until.some((event) => event.revision === revision && begins.has(event.kind));
	if (!isOne) return { is: 'never' };
	const from = Math.max(...until.filter(({ kind }) => kind === 'CoredumpFile').map((event) => event.revision));
	// Each look at a crash is at all that was known of it then.
	if (until.some((event) => event.revision >= from && event.body === undefined)) return { is: 'forgotten' };
	const report = until
		.filter(({ body }) => body !== undefined)
		.reduce<CrashReport | undefined>((one, event) => fold(one, asEvent(event)), undefined);
	return report ? { is: 'report', report: { ...report, revision } } : { is: 'forgotten' };
}

/** What makes a revision. */
const begins: ReadonlySet<Event['kind']> = new Set(['CoredumpFile', 'OpinionRequest']);

const asEvent = ({ revision, ...event }: Kept): Event => ({ ...event, ...(revision > 1 ? { revision } : {}) }) as Event;
