import { createHash } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import type { Event } from '../../domain/events.ts';
import { crashId } from '../../domain/identity.ts';
import type { Intake } from '../../domain/intake.ts';
import type { LostCore } from '../../domain/report.ts';
import { readJournald } from '../../drivers/journald/journald.ts';
import { adviceFor, type Coredump, type JournaldEntry, type Loss, lossOf, type Note } from '../../readers/journald/journald.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';

export type RecorderOptions = {
	/** The folder of the host's journal. */
	readonly directory: string;
	/** At the first start, entries that are older are not read. */
	readonly maxAgeMs: number;
	/** kernel.core_pipe_limit of this machine, for the advice. */
	readonly corePipeLimit?: number | undefined;
};

type Deps = {
	readonly intake: Intake;
	/** How far the host's journal has been read. */
	readonly bookmark: { read(): string | undefined; write(value: string): Promise<void> };
	/** Told whether what is recorded of a crash will be known soon; true as long as nothing speaks against it. */
	readonly state: { isExpected: boolean };
	readonly telemetry: Telemetry;
	readonly options: RecorderOptions;
	readonly now?: () => number;
};

/** Losing the place costs nothing but reading these once more. */
const saveIntervalMs = 5_000;
/** Notes that name their crash by the unit that took it come shortly before the entry of that. */
const mostNotes = 200;

/** Reads what the host's journal tells of crashes: whose they were, and which cores were lost. */
export function recorder({ intake, bookmark, state, telemetry, options, now = Date.now }: Deps) {
	/** What notes told of a loss, by boot and unit. */
	const losses = new Map<string, Loss>();

	async function run(signal: AbortSignal): Promise<void> {
		const { cursor: afterCursor, upToDateAtMs } = placeOf(bookmark.read());
		const { directory, maxAgeMs } = options;
		let cursor = afterCursor;
		let savedAt = 0;
		let trouble: string | undefined;
		const place = { directory, afterCursor, upToDateAtMs, sinceMs: now() - maxAgeMs };
		for await (const event of readJournald(place, signal)) {
			switch (event.is) {
				case 'reading':
					state.isExpected = true;
					trouble = undefined;
					telemetry.journaldRead(directory);
					break;
				case 'unavailable':
					state.isExpected = false;
					if (event.message !== trouble) telemetry.journaldUnavailable(event.message); // it is tried again for ever
					trouble = event.message;
					break;
				case 'gap':
					telemetry.journaldGap(event.why, event.fromMs, event.toMs);
					break;
				case 'skipped':
					telemetry.journaldSkipped(event.why);
					break;
				default:
					await take(event);
					cursor = event.cursor;
			}
			if (cursor === undefined || now() - savedAt < saveIntervalMs) continue;
			savedAt = now();
			await bookmark.write(JSON.stringify({ cursor, upToDateAtMs: savedAt }));
		}
		if (cursor !== undefined && state.isExpected) await bookmark.write(JSON.stringify({ cursor, upToDateAtMs: now() }));
	}

	async function take(entry: JournaldEntry): Promise<void> {
		switch (entry.is) {
			case 'coredump': {
				const { handler } = entry.coredump;
				const record = recordEvent(entry.coredump, entry.recordedAtMs, losses.get(`${entry.bootId}/${handler}`));
				await intake.append(record);
				break;
			}
			case 'note': {
				const loss = adviceFor(entry.note, options);
				if (!loss) return;
				telemetry.coreLossNoted(loss.words, loss.advice);
				if ('handler' in entry.note) remember(`${entry.bootId}/${entry.note.handler}`, loss);
				else await intake.append(noteEvent(entry, entry.note, loss));
				break;
			}
			case 'disbelieved':
				telemetry.recordDisbelieved(entry.why);
				break;
			case 'other':
				break;
			default:
				entry satisfies never;
		}
	}

	function remember(handler: string, loss: Loss): void {
		losses.set(handler, loss);
		const [oldest] = losses.keys();
		if (losses.size > mostNotes && oldest !== undefined) losses.delete(oldest);
	}

	return { run };
}

function placeOf(saved: string | undefined): { readonly cursor: string | undefined; readonly upToDateAtMs: number | undefined } {
	const { cursor, upToDateAtMs } = saved === undefined ? {} : JSON.parse(saved);
	return { cursor, upToDateAtMs };
}

/** @param noted what a note told of its loss */
export function recordEvent(coredump: Coredump, recordedAtMs: number, noted: Loss | undefined): Event<'CoreRecord'> {
	const { bootId, hostPid, timeMs, signal, name, executable, hostname, container, core } = coredump;
	const key = crashId({ by: 'process', bootId, pid: hostPid, timeMs });
	const loss = lossOf(coredump);
	return {
		kind: 'CoreRecord',
		key,
		joinKey: key,
		body: {
			time: new Date(timeMs).toISOString(),
			recordedAt: new Date(recordedAtMs).toISOString(),
			pid: hostPid,
			signal,
			name: name ?? '',
			...defined({
				executable,
				host: hostname,
				container,
				file: core.is === 'file' ? core.name : undefined,
				lost: loss && lostCore(noted ?? loss),
			}),
		},
	};
}

function noteEvent({ cursor, recordedAtMs }: JournaldEntry, note: Note, loss: Loss): Event<'CoreNote'> {
	const { pid, name, host, at = recordedAtMs } = whoIn(note);
	return {
		kind: 'CoreNote',
		key: createHash('sha256').update(cursor).digest('hex').slice(0, 12),
		body: {
			time: new Date(at).toISOString(),
			...defined({ pid, name, host, file: note.is === 'removed' ? note.file : undefined }),
			lost: lostCore(loss),
		},
	};
}

type Who = { readonly pid?: number; readonly name?: string; readonly host?: string; readonly at?: number };

/** Which process a note is about, as far as it says. */
function whoIn(note: Note): Who {
	switch (note.is) {
		case 'over core_pipe_limit':
		case 'handler not started':
			return defined({ pid: note.pid, name: note.name });
		case 'no coredump service': {
			const { hostname: host, name, timeMs: at } = note.crash ?? {};
			return defined({ host, name, at });
		}
		default:
			return {};
	}
}

const lostCore = ({ words, advice }: Loss): LostCore => ({ reason: words, advice });
