import type { EpochMs } from './stage.ts';

/** What of a CrashReport tells whether its crashes count against the instance that they happened to. */
export type CrashFacts = {
	readonly instance: InstanceName;
	readonly component: string | undefined;
	readonly pod: string;
	readonly podUid: string;
	readonly container: string;
	/** When, the last first: of as many as the report tells of. */
	readonly times: readonly EpochMs[];
	/** How many crashes it stands for. */
	readonly count: number;
	readonly exitCode: number | undefined;
	/** The kubelet's: Error, OOMKilled, … */
	readonly reason: string | undefined;
	/** What the kubelet said when it ended the container. */
	readonly killMessage: string | undefined;
	/** A restart at start-up after which the container became ready. */
	readonly isHealed: boolean;
	/** A symptom that passes by itself, or is of what is around the instance: as the known issue has it. */
	readonly passing: string | undefined;
};

export type InstanceName = {
	readonly namespace: string;
	readonly name: string;
	readonly kind: 'helm' | 'operator' | 'unmanaged';
};

/** The same for the same instance. */
export const keyOfInstance = ({ namespace, name, kind }: InstanceName): string => `${namespace}/${name}/${kind}`;
