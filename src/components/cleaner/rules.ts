import type { CrashFacts } from '../../domain/crash-facts.ts';
import { signalOfExit } from '../../domain/signals.ts';

/** Why a crash does not count against its instance. */
export type Exclusion = {
	readonly id: string;
	/** In words, for the explanation of a count. */
	readonly why: string;
	applies(crash: CrashFacts, switches: Switches): boolean;
};

export type Switches = { readonly countOutOfMemory: boolean };

const [SIGKILL, SIGTERM] = [9, 15];
const signalOf = ({ exitCode }: CrashFacts) => (exitCode === undefined ? undefined : signalOfExit(exitCode));

/** The first that applies is the one that is told. */
export const exclusions: readonly Exclusion[] = [
	{
		id: 'healed at start-up',
		why: 'a restart with which the instance found what it depends on',
		applies: ({ isHealed }) => isHealed,
	},
	{
		id: 'passes by itself',
		why: 'a known issue says that it heals itself, or that it is the environment',
		applies: ({ passing }) => passing !== undefined,
	},
	{
		id: 'out of memory',
		why: 'the kernel ended it for its memory (cleaner.countOutOfMemory)',
		applies: ({ reason }, { countOutOfMemory }) => reason === 'OOMKilled' && !countOutOfMemory,
	},
	{
		id: 'ended by the kubelet',
		why: 'the kubelet ended it, and said why',
		applies: ({ killMessage }) => killMessage !== undefined,
	},
	{
		id: 'killed',
		why: 'somebody killed it: the operator, the kubelet or a person',
		applies: (crash) => crash.reason !== 'OOMKilled' && signalOf(crash) === SIGKILL,
	},
	{
		id: 'asked to end',
		why: 'somebody asked it to end: a rollout, a drain, an eviction or a person',
		applies: (crash) => signalOf(crash) === SIGTERM || crash.reason === 'Evicted',
	},
];
