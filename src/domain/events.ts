import { z } from 'zod';
import { opinion } from './opinion.ts';
import { analysis, association, core, excess, log, lostCore, restart, storage } from './report.ts';

const time = z.iso.datetime({ precision: 3 });
const container = z.strictObject({ podUid: z.string(), containerId: z.string() });

/** What a core, and what was recorded of its crash, say of where its process ran and when it died. */
const traces = z.strictObject({
	/** As the kernel told who wrote the core; often in whole seconds. */
	time,
	/** When the core was written to its end: until then the process, and its container, are not over. */
	writtenAt: time,
	/** Absent where it was not read. */
	signal: z.int().exactOptional(),
	/** As the process saw it. */
	host: z.string().exactOptional(),
	/** `POD_NAMESPACE` in its environment. */
	namespace: z.string().exactOptional(),
	/** Its cgroup, as it was recorded when the process died. */
	container: container.exactOptional(),
	/** Its cgroup was recorded, and is none of a pod. */
	isOutsidePods: z.literal(true).exactOptional(),
	/** Whether its executable is Milvus'; absent where that is not known. */
	isMilvus: z.boolean().exactOptional(),
});

/** What each kind of event carries. JSON only: addresses are hex strings, times are ISO 8601. The journal checks a body against its schema when it is claimed. */
export const bodies = {
	/** A core file on a node of a cluster, before it is known whose it is. */
	FoundCore: z.strictObject({
		core,
		time,
		/** When it was written to its end, as its modification time says. */
		writtenAt: time,
		foundAt: time,
		/** Whether systemd-coredump wrote it, which then tells the host's journal of it. */
		isRecorded: z.boolean(),
	}),
	/** What systemd-coredump recorded in the host's journal of one crash, whether it kept the core or not. Its key is that of the core. */
	CoreRecord: z.strictObject({
		time,
		/** When it had written the core, or given up. */
		recordedAt: time,
		pid: z.int(),
		signal: z.int(),
		name: z.string(),
		executable: z.string().exactOptional(),
		host: z.string().exactOptional(),
		container: container.exactOptional(),
		/** Base name of the file that it was written to; absent where it was not kept. */
		file: z.string().exactOptional(),
		lost: lostCore.exactOptional(),
	}),
	/** A line of the host's journal that tells of a core that was lost, and of nothing by which its record would be known. */
	CoreNote: z.strictObject({
		time,
		/** In the process's own pid namespace. */
		pid: z.int().exactOptional(),
		/** Of the thread that crashed. */
		name: z.string().exactOptional(),
		host: z.string().exactOptional(),
		/** Base name of the file that was removed. */
		file: z.string().exactOptional(),
		lost: lostCore,
	}),
	/** The end of one run of a container of Milvus. */
	RestartEvent: z.strictObject({
		association: association.required({ node: true, namespace: true, pod: true, podUid: true, container: true }),
		host: z.string(),
		restart,
		log: log.nullable(),
		time,
		foundAt: time,
	}),
	/** That a container of Milvus is ready after this many restarts. */
	RecoveryEvent: z.strictObject({ podUid: z.string(), container: z.string(), restartCount: z.int(), time }),
	/** What was made of a core, or of what was recorded of one that was lost: its key is that of the core. A later revision takes the place of an earlier. */
	Correlation: z.strictObject({
		traces,
		/** The crash whose report it is in. */
		crash: z.string(),
		/** The end of the container that it led to: the key of its `RestartEvent`, which is no other's then. */
		restart: z.string().nullable(),
	}),
	/** A crash: its core file, complete or not growing any more, or without one what the process wrote. */
	CoredumpFile: z.strictObject({
		core: core.nullable(),
		log: log.nullable(),
		time,
		foundAt: time,
		association: association.exactOptional(),
		restart: restart.exactOptional(),
		lostCore: lostCore.exactOptional(),
		/** Nothing more is known: it is looked into once more, in what is stored of it where the original is gone. */
		isAnew: z.literal(true).exactOptional(),
	}),
	AnalysisResults: z.strictObject({ core: core.nullable(), analysis, isAnew: z.literal(true).exactOptional() }),
	StorageEvent: z.discriminatedUnion('is', [
		z.strictObject({
			is: z.literal('stored'),
			core,
			storage: storage.options[0],
			/** It was looked into once more: its original is left where it is. */
			isAnew: z.literal(true).exactOptional(),
		}),
		z.strictObject({ is: z.literal('skipped'), reason: z.string() }),
		z.strictObject({ is: z.literal('lost'), reason: z.string() }),
	]),
	/** That a model is to be asked anew, be it another: the next revision of the report. */
	OpinionRequest: z.strictObject({ model: z.string().exactOptional() }),
	/** What a language model was asked about a crash, once its core was stored, and what came of it. */
	OpinionEvent: z.strictObject({ opinion }),
	/** That a stored core goes. An event of its own kind: it is of no revision of the crash. */
	DeletionEvent: z.strictObject({
		time,
		/** By their names in the store. */
		files: z.array(z.string()),
		sizeBytes: z.int(),
		why: excess,
		reason: z.string(),
	}),
} as const;

export type Kind = keyof typeof bodies;
export type Bodies = { readonly [K in Kind]: z.infer<(typeof bodies)[K]> };
export type Traces = z.infer<typeof traces>;

/** One thing that happened. Key and revision say what it is about: the same thing reported twice is one event. */
export type Event<K extends Kind = Kind> = {
	[P in K]: {
		readonly kind: P;
		/** The crash's id. */
		readonly key: string;
		/** The first, where absent; a later one is about a crash of which more is known since. */
		readonly revision?: number;
		/** Wakes the work that waits for it. */
		readonly joinKey?: string;
		/** The file that told of it, so that the journal knows it again. */
		readonly original?: string;
		readonly body: Bodies[P];
	};
}[K];

/** What an event has of the one that it follows from: which crash it is about, and which look at it. */
export const followsFrom = ({ key, revision }: Event): Pick<Event, 'key' | 'revision'> => ({
	key,
	...(revision === undefined ? {} : { revision }),
});
