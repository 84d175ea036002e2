import { type Candidacy, candidacy, type Seen, type Timing, usualTiming } from '../../src/components/leader/candidacy.ts';

/** Numbers from 0 to 1 that are the same for the same seed: mulberry32. */
export function randomOf(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

export type Process = {
	readonly name: string;
	readonly me: Candidacy;
	/** Its own clock at a true time. */
	readonly clock: (at: number) => number;
	/** The true time at which its clock shows that. */
	readonly when: (own: number) => number;
	isAlive: boolean;
	/** It does nothing until then, and does not know it. */
	stoppedUntil: number;
	/** Nothing passes between it and the API server until then. */
	cutOffUntil: number;
	/** Counts its requests; an answer to another than the last is not heard any more. */
	request: number;
};

export type World = ReturnType<typeof world>;

/** Candidates for one Lease, in a time of its own: with clocks that are set and run differently, and a network that delays, loses and cuts. */
export function world(seed: number, { timing = usualTiming, isRough = false, mostDelayMs = 50, clockSpread = 0 } = {}) {
	const random = randomOf(seed);
	const between = (least: number, most: number) => least + random() * (most - least);
	const agenda: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
	const processes: Process[] = [];
	/** Whenever somebody began to lead, and who led then. */
	const leaders: { readonly at: number; readonly names: readonly string[] }[] = [];
	let lease: Seen | undefined;
	let version = 0;
	let now = 0;
	let order = 0;

	/** Of a request or an answer, on the way: one in ten takes far longer. */
	const delayMs = () => between(0, mostDelayMs) * (isRough && random() < 0.1 ? 10 : 1);

	function at(time: number, act: () => void): void {
		agenda.push({ at: Math.max(now, time), order: order++, act });
	}

	/** Does it when the process runs, if it lives. */
	function inProcess(one: Process, time: number, act: () => void): void {
		at(time, () => {
			if (!one.isAlive) return;
			if (one.stoppedUntil > now) inProcess(one, one.stoppedUntil, act);
			else act();
		});
	}

	function start(): Process {
		const rate = 1 + between(-clockSpread, clockSpread);
		const offset = between(-1e9, 1e9);
		const name = `p${processes.length}`;
		const one: Process = {
			name,
			me: candidacy(name, timing, random),
			clock: (time) => offset + time * rate,
			when: (own) => (own - offset) / rate,
			isAlive: true,
			stoppedUntil: 0,
			cutOffUntil: 0,
			request: 0,
		};
		processes.push(one);
		inProcess(one, now, () => step(one));
		return one;
	}

	function step(one: Process): void {
		const next = one.me.next(one.clock(now));
		if (next.is === 'wait') return void inProcess(one, one.when(next.until) + between(0, 5), () => step(one));
		const request = ++one.request;
		const sentAt = one.clock(now);
		const isHeard = () => one.request === request;
		const isPassing = () => !(isRough && random() < 0.1) && one.cutOffUntil <= now;
		const answer = (act: () => void) => {
			if (!isPassing()) return;
			inProcess(one, now + delayMs(), () => {
				if (!isHeard()) return;
				one.request++;
				act();
				step(one);
			});
		};
		if (isPassing())
			at(now + delayMs(), () => {
				if (next.is === 'look') {
					const seen = lease;
					return answer(() => one.me.saw(seen, one.clock(now)));
				}
				if (lease?.version !== next.version) return answer(() => one.me.beaten());
				lease = { version: String(++version), holder: one.name, durationMs: timing.leaseMs };
				const written = lease.version;
				answer(() => one.me.wrote(written, sentAt));
			});
		inProcess(one, one.when(sentAt + timing.answerMs), () => {
			if (!isHeard()) return;
			one.request++;
			one.me.failed(one.clock(now));
			step(one);
		});
	}

	const leading = () => processes.filter(({ isAlive, me, clock }) => isAlive && me.isLeading(clock(now))).map(({ name }) => name);

	/** Lets time pass. */
	function run(until: number): void {
		for (;;) {
			let first = -1;
			for (const [index, { at: time, order: place }] of agenda.entries()) {
				const best = agenda[first];
				if (!best || time < best.at || (time === best.at && place < best.order)) first = index;
			}
			const next = agenda[first];
			if (!next || next.at > until) break;
			agenda.splice(first, 1);
			now = next.at;
			next.act();
			const names = leading();
			if (names.join() !== leaders.at(-1)?.names.join()) leaders.push({ at: now, names });
		}
		now = until;
	}

	return {
		random,
		between,
		at,
		start,
		run,
		leading,
		leaders: leaders as readonly (typeof leaders)[number][],
		processes: processes as readonly Process[],
		now: () => now,
		kill(one: Process): void {
			one.isAlive = false;
		},
		/** It stops its work, then gives the Lease back. */
		end(one: Process): void {
			one.isAlive = false;
			at(now + delayMs(), () => {
				if (lease?.holder === one.name) lease = { ...lease, version: String(++version), holder: '' };
			});
		},
		/** Somebody deletes the Lease. */
		forget(): void {
			lease = undefined;
		},
	};
}

export const slowTerm: Timing = { ...usualTiming, termMs: 30_000 };
