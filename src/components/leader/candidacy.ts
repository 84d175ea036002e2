/** Milliseconds by this process' own clock, which never goes back: when, or how long. */
type Ms = number;

export type Timing = {
	/** How often the Lease of another is looked at; up to a fifth less, so that not all look at once. */
	readonly lookMs: Ms;
	/** How often a leader renews. */
	readonly renewMs: Ms;
	/** For how long a renewal lets it lead, from the moment at which it was sent. */
	readonly termMs: Ms;
	/** For how long the others leave a Lease alone after they saw it change. What it exceeds the term by is for clocks and for work that ends slowly. */
	readonly leaseMs: Ms;
	/** For how long an answer is waited for. */
	readonly answerMs: Ms;
};

/** A leader that was killed is replaced after `lookMs + leaseMs` at most, and the time of a request. */
export const usualTiming: Timing = { lookMs: 10_000, renewMs: 3_000, termMs: 10_000, leaseMs: 15_000, answerMs: 3_000 };

/** A Lease, as far as it counts. */
export type Seen = {
	/** Another one after each change. */
	readonly version: string;
	/** Empty: it has been given back. */
	readonly holder: string;
	/** What its holder promises; the others wait no less. */
	readonly durationMs: Ms | undefined;
};

export type Step =
	| { readonly is: 'wait'; readonly until: Ms }
	| { readonly is: 'look' }
	/** Make oneself the holder in place of that version; without one there is no Lease yet. */
	| { readonly is: 'write'; readonly version: string | undefined };

/** Whoever wrote a longer promise than that does not keep the others away with it. */
const longestLeaseMs = 60_000;
const firstRetryMs = 1_000;

/**
 * One of those who want to lead: what it is to do next, by what it has seen. It touches neither network nor clock.
 *
 * At most one leads. Whoever takes over has seen for `leaseMs` that the Lease did not change, and writes in place of just that version, so that
 * the leader's last renewal that came through was seen, hence sent, longer ago than that; and that lets it lead for `termMs` only. No time that
 * another one wrote is looked at. So all that is asked of clocks is that none runs by half faster than another.
 */
export function candidacy(identity: string, timing: Timing = usualTiming, random: () => number = Math.random) {
	const { lookMs, renewMs, termMs, leaseMs } = timing;
	/** What was seen last, and since when it has been so; without a version there is no Lease. */
	let seen: { readonly version: string | undefined; readonly holder: string; readonly durationMs: Ms; readonly since: Ms } | undefined;
	/** Whether it may still be so. */
	let isCurrent = false;
	let lookAt: Ms = 0;
	let renewAt: Ms = 0;
	let termEnd: Ms = -Infinity;
	let quietUntil: Ms = -Infinity;
	let failures = 0;

	const isLeading = (now: Ms): boolean => now < termEnd;

	/** From when on the Lease may be written. */
	function writeAt({ version, holder, durationMs, since }: NonNullable<typeof seen>, now: Ms): Ms {
		if (version !== undefined && holder === identity) return renewAt;
		// One that was deleted had a holder, perhaps, who does not know it yet.
		if (version === undefined) return isLeading(now) ? now : since + leaseMs;
		return holder === '' ? now : since + durationMs;
	}

	return {
		isLeading,
		/** When it leads no longer, unless it renews. */
		termEnd: () => termEnd,
		/** Who holds the Lease, as far as is known; empty: nobody. */
		holder: () => seen?.holder ?? '',

		next(now: Ms): Step {
			if (now < quietUntil) return { is: 'wait', until: quietUntil };
			if (seen === undefined || !isCurrent) return { is: 'look' };
			const due = writeAt(seen, now);
			if (now >= due) return { is: 'write', version: seen.version };
			const isOwn = seen.holder === identity;
			if (!isOwn && now >= lookAt) return { is: 'look' };
			return { is: 'wait', until: isOwn ? due : Math.min(due, lookAt) };
		},

		/** It has looked; undefined: there is no Lease. */
		saw(lease: Seen | undefined, now: Ms): void {
			const isSame = seen !== undefined && seen.version === lease?.version;
			const durationMs = Math.max(leaseMs, Math.min(lease?.durationMs ?? 0, longestLeaseMs));
			seen = { version: lease?.version, holder: lease?.holder ?? '', durationMs, since: isSame && seen ? seen.since : now };
			isCurrent = true;
			failures = 0;
			lookAt = now + lookMs * (1 - random() / 5);
			if (seen.holder === identity) renewAt = now;
			else if (seen.holder !== '') termEnd = -Infinity;
		},

		/** What it wrote is there. @param sentAt when it began to send it */
		wrote(version: string, sentAt: Ms): void {
			seen = { version, holder: identity, durationMs: leaseMs, since: sentAt };
			isCurrent = true;
			failures = 0;
			termEnd = sentAt + termMs;
			renewAt = sentAt + renewMs;
		},

		/** Another has changed, made or deleted the Lease since it was seen. */
		beaten(): void {
			isCurrent = false;
		},

		/** There was no answer: what was written may be there, or not. */
		failed(now: Ms): void {
			isCurrent = false;
			const delayMs = isLeading(now) ? firstRetryMs : Math.min(lookMs, firstRetryMs * 2 ** Math.min(failures++, 10));
			quietUntil = now + delayMs * (1 - random() / 2);
		},
	};
}

export type Candidacy = ReturnType<typeof candidacy>;
