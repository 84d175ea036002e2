import type { Bodies } from '../../domain/events.ts';
import type { LostCore } from '../../domain/report.ts';
import type { Seen } from '../../domain/sightings.ts';

/** The kernel and systemd write when the process dies; the container ends within seconds of that. */
const beforeMs = 15_000;
const afterMs = 5_000;

/**
 * Why a crash that should have left a core has none, as the host's journal tells. The notes name processes and not containers; what was written
 * about the time of the end, and of no other process that is known, is taken for it.
 */
export function lossFor({ restart, time }: Bodies['RestartEvent'], notes: readonly Seen<'CoreNote'>[]): LostCore | undefined {
	const endedAt = Date.parse(restart.finishedAt ?? time);
	const near = notes.filter(({ body }) => {
		const at = Date.parse(body.time);
		return body.file === undefined && at >= endedAt - beforeMs && at <= endedAt + afterMs;
	});
	const distance = ({ body }: Seen<'CoreNote'>) => Math.abs(Date.parse(body.time) - endedAt);
	return near.sort((a, b) => distance(a) - distance(b))[0]?.body.lost;
}
