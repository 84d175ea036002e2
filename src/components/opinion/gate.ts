import type { Permit } from '../../domain/ledger.ts';
import type { BreakerState, ModelProvider } from '../../domain/model-provider.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
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

/** Whether a model may be asked at all, as far as this process knows: by how its service is, and by when there is budget again. */
export type Gate = {
	/** A key that was exchanged in its file is tried at once. */
	held(): Promise<Held | undefined>;
	begin(): void;
	answered(): void;
	failed(why: Failure): Promise<void>;
	refused(refusal: Refused): void;
};

export function createGate(models: Models, telemetry: Pick<Telemetry, 'modelIs'>, now: () => EpochMs): Gate {
	const breaker = createBreaker();
	let stoppedWith: string | undefined;
	let noBudget: Refused | undefined;
	const tell = () => telemetry.modelIs(breaker.state(now()), now());

	return {
		async held() {
			if (breaker.state(now()).is === 'stopped' && stoppedWith !== (await models.keyMark())) {
				breaker.reset();
				tell();
			}
			const state = breaker.state(now());
			if (state.is !== 'closed') return state;
			return noBudget && noBudget.until > now() ? noBudget : undefined;
		},
		begin: tell,
		answered() {
			breaker.answered();
			tell();
		},
		async failed(why) {
			breaker.failed(why, now());
			if (why.retry === 'when changed') stoppedWith = await models.keyMark();
			tell();
		},
		refused(refusal) {
			noBudget = refusal;
		},
	};
}
