import { createHash } from 'node:crypto';
import { z } from 'zod';
import { labels, labelValue, manager } from '../crash-object/crash-object.ts';
import { open } from '../crash-object/open.ts';
import type { Instance } from '../pod.ts';

/**
 * The decision that an instance does nothing but crash, as an object of the Kubernetes API, in fewer than 16 KiB: `spec` is what was decided and when,
 * `status` what has become of it. All that the controller knows of a decision is here. `deploy/crds/instancecleanups.yaml` is made from here.
 */
export const resource = {
	group: 'diagnostics.milvus.io',
	version: 'v1alpha1',
	kind: 'InstanceCleanup',
	plural: 'instancecleanups',
	singular: 'instancecleanup',
	shortNames: ['cleanup'],
} as const;
export const apiVersion = `${resource.group}/${resource.version}` as const;

const text = z.string();
const time = z.iso.datetime({ precision: 3 });
const objectName = z.object({ apiVersion: text, kind: text, namespace: text.exactOptional(), name: text });

export const spec = open(
	z.object({
		instance: text.describe('the Helm release, or the custom resource'),
		kind: z.enum(['helm', 'operator', 'unmanaged']).describe('who manages the instance'),
		target: z
			.object({
				...objectName.omit({ namespace: true }).shape,
				uid: text.describe('of the custom resource; of a Helm release, which has none, that of its oldest workload'),
				workload: objectName.omit({ namespace: true }).exactOptional().describe('of a Helm release: whose uid that is'),
			})
			.describe('what would be removed'),
		decidedAt: time,
		dueAt: time.describe('until then the instance has to recover'),
		windowSeconds: z.int().min(1).describe('cleaner.restartTimeWindow'),
		limit: z.int().min(0).describe('cleaner.maxRestartCount: more crash restarts than this are too many'),
	}),
);

export const phases = ['Pending', 'Vetoed', 'DryRun', 'Recovered', 'Running', 'Done', 'Failed'] as const;
const phase = z
	.enum(phases)
	.describe(
		'Pending: it has until the due time to recover; Vetoed: something speaks against it; DryRun: it would be removed; Recovered: it crashes no more; Running: it is being removed; Done: it is gone, and stayed away; Failed: it could not be removed, or came back',
	);

const removal = z.object({
	by: text.describe('the controller that began it'),
	beganAt: time,
	attempts: z.int().min(1),
	actedAt: time.exactOptional().describe('when the instance was touched; absent: it was not'),
	words: text.exactOptional().describe('what the program or the API server said of the last attempt'),
	nextTryAt: time.exactOptional().describe('of a failed one'),
	goneAt: time.exactOptional().describe('when it was seen to be gone, with its pods'),
});

export const status = open(
	z.object({
		phase,
		reason: text.describe('why it is in this phase'),
		since: time.describe('when it came into this phase'),
		lookedAt: time.describe('when it was last written down how the instance is; it is looked at more often'),
		restarts: z
			.object({
				counted: z.int().min(0).describe('crash restarts that count, within the window'),
				shown: z.int().min(0).describe('so many of them the restart counts of the pods support'),
				lastAt: time.exactOptional().describe('when the last of them was'),
				reports: z
					.array(z.object({ name: text, count: z.int().min(1) }))
					.describe('CrashReports that tell of them, those with the most first'),
				notCounted: z.array(z.object({ why: text, count: z.int().min(1) })).describe('crashes that do not count'),
			})
			.describe('of all components on all nodes'),
		contents: z
			.object({
				is: z.enum(['known', 'unknown']),
				reason: text.exactOptional().describe('why it is not known'),
				goes: z.array(objectName).exactOptional().describe('what would be removed, beside volumes'),
				stays: z
					.array(z.object({ ...objectName.shape, why: text }))
					.exactOptional()
					.describe('what would stay, beside volumes'),
				volumes: z
					.array(z.object({ namespace: text, name: text, isLost: z.boolean(), why: text }))
					.exactOptional()
					.describe('what would become of each PersistentVolumeClaim'),
				omitted: z.int().exactOptional().describe('so many more are not listed'),
			})
			.describe('what would be removed with the instance, and what would stay'),
		saved: z
			.object({ namespace: text, name: text, at: time })
			.exactOptional()
			.describe('the Secret that holds what brings the instance back'),
		removal: removal.exactOptional().describe('absent: it was not begun'),
		enforcement: text.describe('whether it is carried out, and if not, why'),
		howToVeto: text.describe('the command that keeps the instance'),
		transitions: z.array(z.object({ phase, at: time, reason: text })).describe('the last changes of the phase, the newest last'),
	}),
);

export type Phase = (typeof phases)[number];
export type Spec = z.infer<typeof spec>;
export type Status = z.infer<typeof status>;
export type Target = Spec['target'];
export type Removal = z.infer<typeof removal>;
export type SavedAt = NonNullable<Status['saved']>;

/** Together with names as long as they can be, and what the API server adds, below 16 KiB. */
export const most = {
	reports: 20,
	reportsBytes: 3000,
	transitions: 10,
	pastReasonBytes: 150,
	textBytes: 400,
	/** And what reports leave of theirs. */
	contentsBytes: 4500,
} as const;

const longestName = 253;

/** The same for the same decision: whoever takes it, and however often. An instance that is made anew is another. */
export function objectNameOf(instance: Pick<Instance, 'name' | 'kind'>, uid: string): string {
	const digest = createHash('sha256').update([instance.kind, uid].join('\n')).digest('hex').slice(0, 10);
	const start = instance.name
		.toLowerCase()
		.replaceAll(/[^a-z\d-]+/g, '-')
		.slice(0, longestName - 1 - digest.length);
	const clean = start.replaceAll(/^-+|-+$/g, '');
	return `${clean === '' ? 'instance' : clean}-${digest}`;
}

export const labelsOf = (instance: string): Readonly<Record<string, string>> => ({
	[labels.instance]: labelValue(instance),
	[labels.managedBy]: manager,
});
