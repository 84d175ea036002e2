import type { CrashFacts } from '../../domain/crash-facts.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** Why a crash does not count against its instance. */
export type Exclusion = {
	readonly id: string;
	/** In words, for the explanation of a count. */
	readonly why: string;
	/** @param time of one of the crashes that a report stands for */
	applies(crash: CrashFacts, time: EpochMs, switches: Switches): boolean;
};

export type Switches = { readonly countOutOfMemory: boolean };

const [SIGKILL, SIGTERM] = [9, 15];
const isOutOfMemory = ({ reason }: CrashFacts) => reason === 'OOMKilled';

/** The first that applies is the one that is told. */
export const exclusions: readonly Exclusion[] = [
	{
		id: 'healed at start-up',
		why: 'a restart with which the instance found what it depends on',
		// Of the others that a report stands for it tells no times when they healed.
		applies: ({ isHealed, time: own }, time) => isHealed && time === own,
	},
	{
		id: 'passes by itself',
		why: 'a known issue says that it heals itself, or that it is the environment',
		applies: ({ passing }) => passing !== undefined,
	},
	{
		id: 'out of memory',
		why: 'the kernel ended it for its memory (cleaner.countOutOfMemory)',
		applies: (crash, _, { countOutOfMemory }) => isOutOfMemory(crash) && !countOutOfMemory,
	},
	{
		id: 'ended by the kubelet',
		why: 'the kubelet ended it, and said why',
		applies: (crash) => crash.killMessage !== undefined && !isOutOfMemory(crash),
	},
	{
		id: 'killed',
		why: 'somebody killed it: the operator, the kubelet or a person',
		applies: (crash) => crash.signal === SIGKILL && !isOutOfMemory(crash),
	},
	{
		id: 'asked to end',
		why: 'somebody asked it to end: a rollout, a drain, an eviction or a person',
		applies: ({ signal, reason }) => signal === SIGTERM || reason === 'Evicted',
	},
];
