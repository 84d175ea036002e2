import { z } from 'zod';
import { defined } from '../base/defined.ts';
import type { Instance } from './pod.ts';
import { knownIssue, mostRecentTimes, repeats } from './report.ts';
import { leavesCore, signalOfExit } from './signals.ts';
import type { EpochMs } from './stage.ts';

/** What of a CrashReport tells whether its crashes count against the instance that they happened to: a few hundred bytes. */
export type CrashFacts = {
	/** Its name. */
	readonly report: string;
	readonly instance: Instance;
	/** Where it is not known, the name of the container. */
	readonly component: string;
	/** Of its own crash. */
	readonly time: EpochMs;
	/** When the crashes were that it stands for, as far as it tells; its own may be too long ago to be among them. */
	readonly times: readonly EpochMs[];
	readonly signal?: number;
	/** The kubelet's: Error, OOMKilled, … */
	readonly reason?: string;
	/** What the kubelet said when it ended the container. */
	readonly killMessage?: string;
	/** Its own was a restart at start-up after which the container became ready. */
	readonly isHealed: boolean;
	/**
	 * What has become of the core of its own crash. `pending`: it was found, or one must be expected, and neither is it stored nor was it decided that it
	 * won't be. Absent: the crash left none.
	 */
	readonly core?: 'pending' | 'settled';
	/** A known issue that passes by itself, or is of what is around the instance: its symptom. */
	readonly passing?: string;
};

/** The same for the same instance. */
export const keyOfInstance = ({ namespace, name, kind }: Instance): string => `${namespace}/${name}/${kind}`;

/**
 * Of an object that perhaps another version wrote, or somebody by hand.
 *
 * @returns undefined where the end of a container of an instance is not what it tells of
 */
export function crashFactsOf(object: {
	readonly metadata: object;
	readonly spec?: unknown;
	readonly status?: unknown;
}): CrashFacts | undefined {
	const read = readable.safeParse(object);
	if (!read.success) return undefined;
	const { metadata, spec, status } = read.data;
	const { association, restart, knownIssues } = spec;
	const { namespace, instance: name, instanceKind: kind, component = association.container, exitCode, reason } = association;
	// Objects of one namespace tell of nothing in another.
	if (namespace !== metadata.namespace) return undefined;
	const time = Date.parse(spec.time);
	const signal = restart.signal?.number ?? (exitCode === undefined ? undefined : signalOfExit(exitCode));
	return {
		report: metadata.name,
		instance: { namespace, name, kind },
		component,
		time,
		times: timesOf({ time, isHealed: restart.isHealed }, status),
		isHealed: restart.isHealed,
		...defined({
			...{ core: coreOf(spec, signal) },
			...{ signal, reason: reason?.slice(0, mostText), killMessage: restart.killMessage?.slice(0, mostText) },
			passing: knownIssues.find(({ cleanup }) => cleanup === 'never')?.symptom.slice(0, mostText),
		}),
	};
}

const mostText = 100;
const name = z.string().min(1).max(253);
const isoTime = repeats.shape.firstTime;

const readable = z.object({
	metadata: z.object({ namespace: name, name }),
	spec: z.object({
		time: isoTime,
		association: z.object({
			...{ namespace: name, instance: name, instanceKind: z.enum(['helm', 'operator', 'unmanaged']), container: name },
			component: name.optional().catch(undefined),
			exitCode: z.int().optional().catch(undefined),
			reason: z.string().optional().catch(undefined),
		}),
		restart: z.object({
			signal: z.object({ number: z.int() }).optional().catch(undefined),
			killMessage: z.string().optional().catch(undefined),
			isHealed: z.boolean(),
		}),
		// Of these it matters only whether they are there.
		...{ core: z.unknown().optional(), lostCore: z.unknown().optional(), storage: z.unknown().optional() },
		knownIssues: z.array(knownIssue.pick({ cleanup: true, symptom: true })).catch([]),
	}),
	status: z
		.object({
			lastTime: isoTime.optional().catch(undefined),
			recentTimes: repeats.shape.recentTimes.unwrap().optional().catch(undefined),
		})
		.catch({}),
});

/** Whether the core is stored or not, and why not, a report says in `storage`, which it does not have before that is decided. */
function coreOf({ core, lostCore, storage }: z.infer<typeof readable>['spec'], signal: number | undefined): CrashFacts['core'] {
	const isExpected = lostCore === undefined && leavesCore(signal ?? 0);
	if (storage === undefined && (core !== undefined || isExpected)) return 'pending';
	return core === undefined && lostCore === undefined ? undefined : 'settled';
}

/** Reports of earlier versions say no more than when the first and the last was. */
function timesOf(own: Pick<CrashFacts, 'time' | 'isHealed'>, { lastTime, recentTimes }: z.infer<typeof readable>['status']): EpochMs[] {
	const told = recentTimes ?? (lastTime === undefined || own.isHealed ? [] : [lastTime]);
	const times = told.map((time) => Date.parse(time)).slice(0, mostRecentTimes);
	return recentTimes || times.includes(own.time) ? times : [...times, own.time];
}
