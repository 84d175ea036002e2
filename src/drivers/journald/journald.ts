import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import { fieldNames, type JournaldEntry, matches, parseEntry } from '../../readers/journald/journald.ts';
import { ProcessError } from '../process/process.ts';
import { isInstalled, type Journalctl, messageAt, printed } from './journalctl.ts';
import { type Obstacle, obstacleAt } from './place.ts';
import { whenReplaced } from './replaced.ts';
import { type Gap, type Place, startAt } from './start.ts';

export type { Gap, Place } from './start.ts';

export type JournaldOptions = Place & {
	/** The folder above that of the machine id: `/var/log/journal`, on a machine with Storage=volatile `/run/log/journal`; one of each is two readers. */
	readonly directory: string;
	/** Goes on with what comes; without it, the end is the end of what is there. Default: true. */
	readonly isFollowing?: boolean;
	readonly program?: string;
	/** How long until the first try anew; each further one in a row takes twice as long. */
	readonly retryAfterMs?: number;
	/** How often it looks whether the folder is still the same. */
	readonly checkEveryMs?: number;
};

/** What is the matter while nothing can be read. */
export type Unavailable = {
	readonly is: 'unavailable';
	readonly reason: Obstacle['reason'] | 'not installed' | 'ended' | 'replaced';
	/** In one line, with what to do. */
	readonly message: string;
	/** Until it is tried again; absent when it is not. */
	readonly retryInMs?: number;
};

export type JournaldEvent =
	/** `is: 'other'` are entries of no interest, but for their cursor: a place that is kept up to date is not lost when journald removes old entries. */
	| JournaldEntry
	/** From here on entries come; also after each time that it was unavailable. */
	| { readonly is: 'reading' }
	| Gap
	/** An entry that is too large, or that is no entry. */
	| { readonly is: 'skipped'; readonly why: string }
	| Unavailable;

const longestRetryMs = 60_000;
/** One that has worked so long has told all that was there, and has not failed in a row. */
const steadyMs = 60_000;

/**
 * Reads from the host's journal what it tells of crashes and lost cores, of all boots and users, and goes on with what comes, by journalctl(1), which is started
 * anew when it ends. An entry may come twice, none is left out without a `gap`. The caller keeps the cursor. The folder may be mounted read-only,
 * in a container of another machine id.
 *
 * @returns ends at the signal; without `isFollowing` also at the end, or when nothing can be read
 */
export async function* readJournald(options: JournaldOptions, signal: AbortSignal): AsyncGenerator<JournaldEvent> {
	const { directory, isFollowing = true, program = 'journalctl', retryAfterMs = 1_000, checkEveryMs = 10_000 } = options;
	let place: Place = options;
	for (let failures = 0; ; failures++) {
		const startedAt = Date.now();
		using replaced = whenReplaced(directory, checkEveryMs);
		const unavailable = yield* once({ program, directory }, place, isFollowing, AbortSignal.any([signal, replaced.signal]), (event) => {
			if ('cursor' in event) place = { ...place, afterCursor: event.cursor };
			if (event.is === 'gap' && event.why !== 'vacuumed') place = { ...place, afterCursor: undefined }; // it is told once
		});
		if (signal.aborted || unavailable === undefined) return;
		if (!isFollowing) {
			yield unavailable;
			return;
		}
		if (Date.now() - startedAt >= steadyMs) {
			failures = 0;
			place = { ...place, upToDateAtMs: Date.now() };
		}
		const retryInMs = Math.min(longestRetryMs, retryAfterMs * 2 ** failures);
		yield { ...unavailable, retryInMs };
		await delay(retryInMs, undefined, { signal }).catch(() => {}); // aborted: the next try looks
	}
}

/** One run of journalctl. @returns why it ended; undefined at the end of what was asked for */
async function* once(
	journalctl: Journalctl,
	place: Place,
	isFollowing: boolean,
	signal: AbortSignal,
	onEvent: (event: JournaldEvent) => void,
): AsyncGenerator<JournaldEvent, Omit<Unavailable, 'retryInMs'> | undefined> {
	try {
		const obstacle = await obstacleAt(journalctl.directory);
		if (obstacle) return { is: 'unavailable', ...obstacle };
		if (!(await isInstalled(journalctl, signal)))
			return { is: 'unavailable', reason: 'not installed', message: 'journalctl is not installed; as root: apt-get install systemd' };
		for await (const event of entries(journalctl, place, isFollowing, signal)) {
			onEvent(event);
			yield event;
		}
		return isFollowing ? { is: 'unavailable', reason: 'ended', message: 'journalctl has ended' } : undefined;
	} catch (cause) {
		if (signal.aborted) return { is: 'unavailable', reason: 'replaced', message: `${journalctl.directory} was replaced by another folder` };
		if (!(cause instanceof ProcessError)) throw cause;
		return { is: 'unavailable', reason: 'ended', message: messageOf(cause) };
	}
}

async function* entries(journalctl: Journalctl, place: Place, isFollowing: boolean, signal: AbortSignal): AsyncGenerator<JournaldEvent> {
	const { args, gap } = await startAt(journalctl, place, signal);
	if (gap) yield gap;
	yield { is: 'reading' };
	// Without --merge, --follow means the last boot only.
	const follow = isFollowing ? ['--follow', '--no-tail', '--merge'] : [];
	for await (const line of printed(journalctl, [...follow, ...args, `--output-fields=${fieldNames.join(',')}`, ...matches], signal)) {
		const entry = line === undefined ? undefined : parseEntry(line);
		if (entry === undefined)
			yield { is: 'skipped', why: line === undefined ? 'an entry is too large' : 'a line of journalctl is no entry' };
		else yield await withMessage(journalctl, entry, signal);
	}
}

/** The stacks of many threads are over 4096 bytes. Where the core itself is in the entry, they would have to be looked for behind it. */
async function withMessage(journalctl: Journalctl, entry: JournaldEntry, signal: AbortSignal): Promise<JournaldEntry> {
	if (entry.is !== 'coredump' || entry.coredump.message !== undefined || entry.coredump.core.is === 'in journald') return entry;
	try {
		const message = await messageAt(journalctl, entry.cursor, signal);
		return message === undefined ? entry : { ...entry, coredump: { ...entry.coredump, message } };
	} catch (error) {
		if (error instanceof ProcessError) return entry; // without its stacks rather than not at all
		throw error;
	}
}
