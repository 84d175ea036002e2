import type { Association, CrashReport } from '../domain/report.ts';
import { signalName } from '../domain/signals.ts';

type PerhapsFact = readonly [label: string, value: string | null | undefined];

/** Which pod it was and how its container ended, as far as that is known; of a crash outside a cluster, nothing. */
export function place({ association, restart }: CrashReport): PerhapsFact[] {
	const { namespace, pod, container, node, instance, instanceKind, component, image } = association;
	const where = [`${namespace}/${pod}`, container && `container ${container}`, node && `on ${node}`];
	return [
		['pod', pod && listed(where)],
		['instance', instance && listed([`${instance}${instanceKind ? ` (${instanceKind})` : ''}`, component])],
		['image', image],
		['known by', pod && knownBy(association)],
		['ended', ended(association, restart)],
		['kubelet', restart?.killMessage],
		['panic', restart?.panicLine],
		['start-up', restart && startUp(restart)],
	];
}

/** That there was a core, or would have been. */
export function lost({ lostCore }: CrashReport): PerhapsFact[] {
	return [
		['no core', lostCore?.reason],
		['advice', lostCore?.advice],
	];
}

/** `exit code 139 (SIGSEGV), Error, restart 3`. */
function ended({ exitCode, reason, restartCount }: Association, restart: CrashReport['restart']): string | undefined {
	// An init adds 128 to the signal that ended its child.
	const signal =
		restart?.signal?.name ?? (exitCode !== undefined && exitCode > 128 && exitCode <= 192 ? signalName(exitCode - 128) : undefined);
	const missed = restart?.missed ? `${restart.missed} before it ${restart.missed === 1 ? 'was' : 'were'} not seen` : undefined;
	const words = [
		exitCode === undefined ? undefined : `exit code ${exitCode}${signal === undefined ? '' : ` (${signal})`}`,
		reason,
		restartCount === undefined ? undefined : `restart ${restartCount}`,
		missed,
	];
	return listed(words) || undefined;
}

function startUp({ isStartUp, isHealed }: NonNullable<CrashReport['restart']>): string | undefined {
	if (!isStartUp) return undefined;
	return `a restart with which an instance finds its dependencies${isHealed ? ', and it became ready afterwards' : ''}`;
}

const methods = {
	'container status': 'the end of its container',
	cgroup: 'the cgroup that was recorded when the process died',
	'host name': 'the host name of the process',
	store: 'the name under which it was stored before',
	time: 'being the only container that ended then, by that signal',
	none: undefined,
} as const satisfies Record<Association['method'], string | undefined>;

const confidences = {
	exact: 'certain',
	strong: 'as good as certain',
	weak: 'a guess',
	none: undefined,
} as const satisfies Record<Association['confidence'], string | undefined>;

function knownBy({ method, confidence }: Association): string | undefined {
	const words = methods[method];
	const sure = confidences[confidence];
	return words && `${words}${sure ? ` (${sure})` : ''}`;
}

const listed = (parts: readonly (string | undefined)[]) => parts.filter(Boolean).join(', ');
