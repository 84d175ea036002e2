/** Leaves a server alone for a while that does not answer, or fails again and again. */
export type Outage = {
	/** Why it is not asked now. */
	readonly reason: string | undefined;
	/** It answered as it should. */
	over(): void;
	/** @param isSure that the next would fail too; else several must, one after the other */
	failed(reason: string, isSure: boolean): void;
};

const mostFailures = 3;

/** @param restMs for how long it is left alone */
export function outage(restMs: number, now: () => number): Outage {
	let failures = 0;
	let rest: { readonly reason: string; readonly until: number } | undefined;
	return {
		get reason() {
			if (rest && now() >= rest.until) rest = undefined;
			return rest?.reason;
		},
		over() {
			failures = 0;
		},
		failed(reason, isSure) {
			failures++;
			if (!isSure && failures < mostFailures) return;
			failures = 0;
			rest = { reason, until: now() + restMs };
		},
	};
}
