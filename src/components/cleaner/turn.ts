import type { Spec, Status } from '../../domain/cleanup-object/cleanup-object.ts';
import { type Cluster, KubernetesRefused, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { eventOf } from './event.ts';
import { type Findings, statusOf, type Turn } from './status.ts';
import { type Stored, saysTheSame, write } from './stored.ts';

export type Telling = { readonly cluster: Cluster; readonly findings: Findings; readonly telemetry: Telemetry };

/** After so long it is written down anew that an instance was looked at, though nothing else has changed. */
const lookedAgainMs = 5 * 60_000;

/**
 * Writes what is to be said of a decision, and tells of it where it has come into another phase.
 *
 * @returns what is there now; undefined where somebody else has changed it meanwhile
 */
export async function turn(
	{ cluster, findings, telemetry }: Telling,
	stored: Stored,
	to: Turn,
	signal: AbortSignal,
	spec: Spec = stored.spec,
): Promise<Stored | undefined> {
	const now = Date.now();
	const before = stored.status;
	const isFresh = before?.phase === to.phase && now - Date.parse(before.lookedAt) < lookedAgainMs;
	const contents = isFresh ? before.contents : findings.contents;
	const status = statusOf(to, { ...findings, contents }, { namespace: stored.namespace, spec, status: before }, now);
	if (isFresh && saysTheSame(status, before)) return stored;
	const written = await write(cluster, stored, { spec, status }, signal);
	if (written && before?.phase !== status.phase) await tell({ cluster, telemetry }, written, status, signal);
	return written;
}

async function tell({ cluster, telemetry }: Omit<Telling, 'findings'>, stored: Stored, status: Status, signal: AbortSignal): Promise<void> {
	const object = nameOf(stored);
	telemetry.cleanupTurned(object, { ...stored.instance, phase: status.phase, reason: status.reason });
	try {
		await cluster.create(resource('v1', 'events', stored.namespace), eventOf(stored, status), signal);
	} catch (error) {
		// The object says the same.
		if (!(error instanceof KubernetesRefused)) throw error;
		telemetry.cleanupEventRefused(object, error.message);
	}
}

export const nameOf = ({ namespace, name }: Stored): string => `${namespace}/${name}`;
