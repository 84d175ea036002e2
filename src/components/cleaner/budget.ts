import type { EpochMs } from '../../domain/stage.ts';
import type { Stored } from './stored.ts';

const hourMs = 3600_000;

/**
 * Why there is no room for one more removal within the hour; undefined where there is. Whoever has announced one counts, so that of two that announce and then
 * look, both or one of them give way, never none.
 */
export function overBudget(
	decisions: readonly Stored[],
	{ uid }: Pick<Stored, 'uid'>,
	maxPerHour: number,
	now: EpochMs,
): string | undefined {
	const others = decisions.filter((one) => one.uid !== uid && one.removal !== undefined && now - one.removal.beganAt < hourMs);
	if (others.length < maxPerHour) return undefined;
	return `${others.length} removals within the last hour, of at most ${maxPerHour} (cleaner.maxCleanupsPerHour)`;
}
