import { defined } from '../../base/defined.ts';
import type { Bodies } from '../../domain/events.ts';
import type { Association, CrashKind, Restart, Signal } from '../../domain/report.ts';
import { isOfProcessor, signalName } from '../../domain/signals.ts';
import type { Death } from './death.ts';

/** What the end of a container tells of the death of its process. */
export type ContainerEnd = {
	readonly kind: CrashKind;
	readonly signal: Signal | null;
	readonly reason: string;
	/** Whether it is certain, whatever the process wrote before. */
	readonly isCertain: boolean;
};

const [SIGKILL, SIGTERM] = [9, 15];

/** Milvus' own: `ExitCodeEtcd` since 2.4. */
const lostEtcd = 80;

/** What other exit codes say: Go's runtime, and the shells by which images start. */
const exitCodes: Readonly<Record<number, string>> = {
	[lostEtcd]: 'it lost its session with etcd, and ended itself',
	2: 'the code of a Go panic that leaves no core',
	126: 'its program could not be executed',
	127: 'its program was not found',
};

/** Reasons of the kubelet and of runtimes for a container that never ran. */
const notStarted = /^(?:ContainerCannotRun|StartError|CreateContainerError|RunContainerError)$/;

export function containerEnd({ association, restart, lostCore }: Bodies['CoredumpFile']): ContainerEnd | undefined {
	if (!restart) return lostCore?.signal === undefined ? undefined : bySignal(lostCore.signal, 'as systemd-coredump recorded it');
	const { exitCode = 0, reason = '' } = association ?? {};
	const signal = restart.signal ?? null;
	if (reason === 'OOMKilled')
		return {
			kind: 'killed',
			signal: signal ?? { number: SIGKILL, name: 'SIGKILL' },
			reason: 'OOMKilled: it used more memory than its limit; the kernel ends such processes by SIGKILL, without a core',
			isCertain: true,
		};
	if (notStarted.test(reason))
		return {
			kind: 'unknown',
			signal: null,
			reason: `${reason}: the container could not be started (exit code ${exitCode})`,
			isCertain: true,
		};
	if (!signal) return { kind: 'deliberate exit', signal, reason: exitInWords(exitCode), isCertain: false };
	return { kind: kindOf(signal), signal, reason: `${signal.name}: ${signalInWords(signal, exitCode, restart)}`, isCertain: false };
}

function bySignal(number: number, words: string): ContainerEnd {
	const signal = { number, name: signalName(number) };
	return { kind: kindOf(signal), signal, reason: `${signal.name}: ${words}`, isCertain: false };
}

const exitInWords = (exitCode: number) => {
	const words = exitCodes[exitCode];
	return `exit code ${exitCode}${words === undefined ? ': it ended itself' : `: ${words}`}`;
};

function kindOf({ number }: Signal): CrashKind {
	if (number === SIGKILL || number === SIGTERM) return 'killed';
	return isOfProcessor(number) ? 'fault' : 'abort';
}

function signalInWords({ number }: Signal, exitCode: number, { killMessage }: Restart): string {
	if (killMessage !== undefined) return `the kubelet ended it: ${killMessage}`;
	if (number === SIGKILL) return 'killed from outside, and not for its memory: a liveness probe, the operator, or somebody by hand';
	if (number === SIGTERM) return 'asked to end from outside, though its pod was to stay';
	return `told by exit code ${exitCode}`;
}

/** The death, with what the container's end adds: what core and log say of it is better, but for what is certain. */
export function withEnd(death: Death, end: ContainerEnd | undefined): Death {
	if (!end) return death;
	if (end.isCertain) return { ...death, kind: end.kind, signal: end.signal, statement: undefined, message: null };
	if (death.signal || death.statement) return { ...death, signal: death.signal ?? end.signal };
	return { ...death, kind: death.kind === 'unknown' ? end.kind : death.kind, signal: end.signal };
}

/** What narrows known issues down. */
export const traitsOfEnd = ({ exitCode, component, image }: Partial<Association>) => defined({ exitCode, component, imageTag: image });
