import type { Phase, Spec, Target } from '../../domain/cleanup-object/cleanup-object.ts';
import type { Contents } from '../../domain/contents.ts';
import type { Instance } from '../../domain/pod.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { type Cluster, KubernetesRefused, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { Next } from './decide.ts';
import { eventOf } from './event.ts';
import { contentsOf, type Findings, statusOf } from './status.ts';
import { create, forget, type Stored, saysTheSame, write } from './stored.ts';

type About = {
	readonly cluster: Cluster;
	readonly instance: Instance;
	/** Undefined: nothing was decided yet. */
	readonly stored: Stored | undefined;
	readonly about: Target;
	readonly findings: Omit<Findings, 'contents'>;
	/** Takes some requests to find out. */
	readonly contents: () => Promise<Contents>;
	readonly telemetry: Telemetry;
	readonly options: { readonly maxRestartCount: number; readonly windowMs: number };
};

/** After so long it is written down anew that an instance was looked at, though nothing else has changed. */
const lookedAgainMs = 5 * 60_000;

/** Writes what is to become of a decision. Where somebody else has changed it meanwhile, it is looked at again the next time. */
export async function carryOut(next: Exclude<Next, { is: 'nothing' }>, about: About, signal: AbortSignal): Promise<void> {
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
			if (stored) await turn(about, stored, next, signal);
			return;
		case 'kept':
			if (stored) await turn(about, stored, { phase: stored.phase, why: next.why }, signal);
			return;
		case 'forgotten':
			if (stored && (await forget(cluster, stored, signal))) telemetry.cleanupForgotten(nameOf(stored));
			return;
		default:
			next satisfies never;
	}
}

async function turn(
	{ cluster, findings, contents, telemetry }: About,
	stored: Stored,
	to: { readonly phase: Phase; readonly why: string },
	signal: AbortSignal,
	spec: Spec = stored.spec,
): Promise<void> {
	const now = Date.now();
	const before = stored.status;
	const isFresh = before?.phase === to.phase && now - Date.parse(before.lookedAt) < lookedAgainMs;
	const told = isFresh ? before.contents : contentsOf(await contents());
	const status = statusOf(to, { ...findings, contents: told }, { namespace: stored.namespace, spec, status: before }, now);
	if (isFresh && saysTheSame(status, before)) return;
	if (!(await write(cluster, stored, { spec, status }, signal))) return;
	if (before?.phase === status.phase) return;
	telemetry.cleanupTurned(nameOf(stored), { ...stored.instance, phase: status.phase, reason: status.reason });
	try {
		await cluster.create(resource('v1', 'events', stored.namespace), eventOf({ ...stored, spec }, status), signal);
	} catch (error) {
		// The object says the same.
		if (!(error instanceof KubernetesRefused)) throw error;
		telemetry.cleanupEventRefused(nameOf(stored), error.message);
	}
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

const nameOf = ({ namespace, name }: Stored): string => `${namespace}/${name}`;
