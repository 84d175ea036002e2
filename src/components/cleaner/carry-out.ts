import type { Spec, Target } from '../../domain/cleanup-object/cleanup-object.ts';
import type { Instance } from '../../domain/pod.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { attemptOf, failedAttempt, goneAttempt } from './attempt.ts';
import type { Next } from './decide.ts';
import type { Turn } from './status.ts';
import { create, forget, type Stored } from './stored.ts';
import { nameOf, type Telling, turn } from './turn.ts';

export type About = Telling & {
	readonly instance: Instance;
	/** Undefined: nothing was decided yet. */
	readonly stored: Stored | undefined;
	readonly about: Target;
	/** The controller that writes it. */
	readonly by: string;
	readonly options: { readonly maxRestartCount: number; readonly windowMs: number };
};

/** Writes what is to become of a decision. Where somebody else has changed it meanwhile, it is looked at again the next time. */
export async function carryOut(next: Exclude<Next, { is: 'nothing' | 'remove' }>, about: About, signal: AbortSignal): Promise<void> {
	const { cluster, stored, telemetry } = about;
	const now = Date.now();
	switch (next.is) {
		case 'decided': {
			const spec = specOf(about, now, next.dueAt);
			const at = stored ?? (await create(cluster, about.instance.namespace, spec, signal));
			if (at) await turn(about, at, { phase: 'Pending', why: next.why }, signal, spec);
			return;
		}
		case 'phase':
			if (stored) await turn(about, stored, { ...next, ...failure(stored, next) }, signal);
			return;
		case 'kept':
			if (stored) await turn(about, stored, { phase: stored.phase, why: next.why }, signal);
			return;
		case 'gone':
			if (stored) {
				const removal = goneAttempt(attemptOf(stored.status?.removal, about.by, now), now);
				await turn(about, stored, { phase: 'Running', why: next.why, removal }, signal);
			}
			return;
		case 'forgotten':
			if (stored && (await forget(cluster, stored, signal))) telemetry.cleanupForgotten(nameOf(stored));
			return;
		default:
			next satisfies never;
	}
}

function failure({ status }: Stored, { phase, why, nextTryAt }: Extract<Next, { is: 'phase' }>): Pick<Turn, 'removal'> {
	if (phase !== 'Failed' || !status?.removal) return {};
	return { removal: failedAttempt(status.removal, why, nextTryAt) };
}

function specOf({ instance, stored, about, options }: About, now: EpochMs, dueAt: EpochMs): Spec {
	return {
		...{ instance: instance.name, kind: instance.kind, target: stored?.spec.target ?? about },
		decidedAt: new Date(now).toISOString(),
		dueAt: new Date(dueAt).toISOString(),
		windowSeconds: Math.max(1, Math.round(options.windowMs / 1000)),
		limit: options.maxRestartCount,
	};
}
