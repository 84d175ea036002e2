import type { Outbox } from '../domain/outbox.ts';
import type { Journal } from '../journal/journal.ts';
import type { Steadily } from './steadily.ts';

/**
 * What is to be published, as the journal keeps it; while its disk fails, whoever asks waits.
 *
 * @param over at the signal the journal is not asked any more: there is nothing to publish, and what was published then is published again
 */
export function outboxOf(journal: Journal, steadily: Steadily, over: AbortSignal): Outbox {
	const { outbox } = journal;
	async function ask<T>(step: () => T, otherwise: T): Promise<T> {
		return (await steadily(() => (over.aborted ? otherwise : step()))) ?? otherwise;
	}
	const nothing = { count: 0, first: 0, last: 0 };
	return {
		unpublished: (after, most) => ask(() => outbox.unpublished(after, most), []),
		report: async (id) => (await ask(() => journal.view.report(id) ?? null, null)) ?? undefined,
		repeats: (id) => ask(() => outbox.repeats(id), { count: 1, firstTime: epoch, lastTime: epoch }),
		setPublished: (id, change) => ask(() => outbox.setPublished(id, change), undefined),
		changedSince: (after, most) => ask(() => outbox.changedSince(after, most), []),
		told: () => ask(() => outbox.told(), Infinity),
		setTold: (change) => ask(() => outbox.setTold(change), undefined),
		publishedIn: async (id) => (await ask(() => outbox.publishedIn(id) ?? null, null)) ?? undefined,
		tally: (whose, since) =>
			ask(() => outbox.tally(whose, since), { crashes: nothing, pastStart: nothing, stored: nothing, lost: nothing }),
		changed: (until, signal) => (over.aborted ? Promise.resolve() : journal.changed(until, signal)),
	};
}

const epoch = new Date(0).toISOString();
