import type { Permit } from '../../domain/ledger.ts';
import type { BreakerState, ModelProvider } from '../../domain/model-provider.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { createBreaker } from './breaker.ts';
import type { Consulted } from './consult.ts';

/** Whom to ask. */
export type Models = {
	/** @param model instead of the one that is configured */
	provider(model?: string): ModelProvider;
	/** Another when the key is another. */
	keyMark(): Promise<string>;
};

export type Refused = Extract<Permit, { is: 'refused' }>;

/** Why nothing is asked now. */
export type Held = Refused | Exclude<BreakerState, { is: 'closed' }>;

export type Failure = Extract<Consulted, { is: 'failed' }>['why'];

/** Whether a model may be asked at all, as far as this process knows: by how its service is, and by when there is budget again. One question at a time. */
export type Gate = {
	/** Another key than the one with which it failed, be it exchanged in its file, is tried at once. */
	held(): Promise<Held | undefined>;
	tell(): void;
	answered(): void;
	/** @param why what was asked since it was not held */
	failed(why: Failure): void;
	refused(refusal: Refused): void;
};

/** Longer is not remembered: the limits, or the book, may be changed meanwhile. */
const longestRefusalMs = 90 * 60_000;

/** @param tell how the service is */
export function createGate({ keyMark }: Models, tell: (state: BreakerState, now: EpochMs) => void, now: () => EpochMs): Gate {
	const breaker = createBreaker();
	let askedWith: string | undefined;
	let failedWith: string | undefined;
	let noBudget: Refused | undefined;
	const told = () => tell(breaker.state(now()), now());

	return {
		async held() {
			askedWith = await keyMark();
			if (breaker.state(now()).is !== 'closed' && failedWith !== askedWith) {
				breaker.reset();
				told();
			}
			const state = breaker.state(now());
			if (state.is !== 'closed') return state;
			return noBudget && noBudget.until > now() ? noBudget : undefined;
		},
		tell: told,
		answered() {
			breaker.answered();
			told();
		},
		failed(why) {
			breaker.failed(why, now());
			failedWith = askedWith;
			told();
		},
		refused(refusal) {
			if (refusal.until - now() <= longestRefusalMs) noBudget = refusal;
		},
	};
}
