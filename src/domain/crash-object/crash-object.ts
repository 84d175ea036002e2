import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defined } from '../../base/defined.ts';
import * as report from '../report.ts';
import { open } from './open.ts';

/**
 * A crash report as an object of the Kubernetes API, in fewer than 16 KiB: `spec` is the report with the same names, shortened, without what is
 * not known; `status` is how far it has come, and how many crashes it stands for. `deploy/crds/crashreports.yaml` is made from here.
 */
export const resource = {
	group: 'diagnostics.milvus.io',
	version: 'v1alpha1',
	kind: 'CrashReport',
	plural: 'crashreports',
	singular: 'crashreport',
	shortNames: ['crash'],
} as const;
export const apiVersion = `${resource.group}/${resource.version}` as const;

const { shape } = report.crashReport;
const text = z.string();

export const spec = open(
	z.object({
		schemaVersion: z.int().min(1),
		id: shape.id,
		revision: shape.revision,
		time: shape.time,
		foundAt: shape.foundAt,
		evidence: shape.evidence,
		kind: shape.kind,
		signal: report.signal.exactOptional().describe("the crash's own"),
		coreSignal: report.signal.exactOptional().describe('what the core says'),
		reason: text.exactOptional().describe('in words'),
		message: text.exactOptional().describe("the process's own last words"),
		culprit: report.culprit.exactOptional(),
		fingerprint: text.exactOptional().describe('the same for the same bug'),
		looseFingerprint: text.exactOptional().describe('of the culprit alone'),
		process: report.process.omit({ environment: true }),
		association: report.association,
		restart: report.restart.exactOptional().describe('how the container ended'),
		core: report.core.exactOptional(),
		complete: report.completeness,
		lostCore: report.lostCore
			.pick({ reason: true, advice: true })
			.exactOptional()
			.describe('why there is no core although the crash made one'),
		log: report.log.exactOptional(),
		// Without alternatives, which a structural schema does not have.
		storage: z
			.object({
				form: z.enum(['full', 'slim', 'none']),
				location: text.exactOptional(),
				name: text.exactOptional().describe('in the store, without its end'),
				sha256: text.exactOptional(),
				sizeBytes: z.int().exactOptional(),
				reason: text.exactOptional().describe('why it is kept in this form, or why it is not stored'),
				was: z
					.object({ location: text, sha256: text, sizeBytes: z.int(), deletedAt: shape.time, why: report.excess })
					.exactOptional()
					.describe('what was stored, until it was deleted'),
			})
			.exactOptional()
			.describe('absent: not decided yet'),
		score: report.score.exactOptional(),
		// Without alternatives, too.
		opinion: z
			.object({
				is: z.enum(['given', 'not available']),
				revision: z.int().min(1),
				time: shape.time,
				model: text.exactOptional(),
				summary: text.exactOptional(),
				rootCause: text.exactOptional(),
				impact: text.exactOptional(),
				recommendations: z.array(text).exactOptional(),
				confidence: z.number().min(0).max(1).exactOptional(),
				reason: text.exactOptional().describe('why there is none'),
			})
			.exactOptional()
			.describe('what a language model thinks of it: not a fact; shortened'),
		knownIssues: z.array(report.knownIssue).describe('the best match first'),
		stack: shape.stack,
		threads: z.array(report.thread).describe('the crashed one, with the frames around the culprit'),
		notes: z.array(text).describe('what could not be found out, and why'),
	}),
);

export const status = z.object({
	phase: shape.status,
	count: z.int().min(1).describe('how many crashes like it this stands for, with its own'),
	firstTime: shape.time,
	lastTime: shape.time,
	recentTimes: report.repeats.shape.recentTimes,
	storedAs: text.exactOptional().describe('where the core is, or why it is nowhere'),
	summary: z
		.object({
			headline: text.describe('the crash in one line'),
			what: text.describe('SIGSEGV, OOMKilled, exit 80, …'),
			culprit: text.exactOptional().describe('function, or module and offset'),
			knownIssue: text.exactOptional().describe('milvus#28065'),
		})
		.describe('in words, for people'),
});

export type Spec = z.infer<typeof spec>;
export type Status = z.infer<typeof status>;

/** As it is written; what the API server adds to it is not there. */
export type CrashObject = {
	readonly apiVersion: typeof apiVersion;
	readonly kind: typeof resource.kind;
	readonly metadata: {
		readonly namespace: string;
		readonly name: string;
		readonly labels: Readonly<Record<string, string>>;
		readonly annotations: Readonly<Record<string, string>>;
	};
	readonly spec: Spec;
	readonly status: Status;
};

export const labels = {
	node: 'diagnostics.milvus.io/node',
	instance: 'diagnostics.milvus.io/instance',
	component: 'diagnostics.milvus.io/component',
	fingerprint: 'diagnostics.milvus.io/fingerprint',
	managedBy: 'app.kubernetes.io/managed-by',
} as const;
export const manager = 'milvus-coredump-agent';

/** By what the objects of one node are found. */
export const nodeSelector = (node: string) => `${labels.managedBy}=${manager},${labels.node}=${labelValue(node)}`;
/** By what the crashes of one bug are found. */
export const fingerprintSelector = (fingerprint: string) => `${labels.fingerprint}=${labelValue(fingerprint)}`;

/** @param node whose agent publishes it */
export function labelsOf({ association, fingerprint }: report.CrashReport, node: string): Readonly<Record<string, string>> {
	const values = defined({
		[labels.node]: node,
		[labels.instance]: association.instance,
		[labels.component]: association.component,
		[labels.fingerprint]: fingerprint ?? undefined,
		[labels.managedBy]: manager,
	}) as Record<string, string>;
	return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, labelValue(value)]));
}

const longestLabel = 63;

/** A text as the value of a label; the same for the same text, and for others another. */
export function labelValue(value: string): string {
	const clean = value.replaceAll(/[^\w.-]/g, '-').replaceAll(/^[^a-z\d]+|[^a-z\d]+$/gi, '');
	const isFaithful = clean === value || clean === value.replaceAll(':', '-'); // fingerprints
	if (isFaithful && value.length <= longestLabel) return clean;
	const digest = createHash('sha256').update(value).digest('hex').slice(0, 12);
	return `${clean.slice(0, longestLabel - 1 - digest.length)}-${digest}`.replace(/^-/, '');
}

const longestName = 253;

/** `{pod}-{id}`; without a pod the host stands in its place. A name as DNS has them. */
export function objectName({ id, association: { pod, host } }: report.CrashReport): string {
	const start = (pod ?? host ?? 'crash').toLowerCase().replaceAll(/[^a-z\d.-]+/g, '-');
	// Each part between dots begins and ends with a letter or a digit.
	const parts = start.slice(0, longestName - 1 - id.length).split('.');
	const clean = parts.map((part) => part.replaceAll(/^-+|-+$/g, '')).filter((part) => part !== '');
	return `${clean.length === 0 ? 'crash' : clean.join('.')}-${id}`;
}

/** The id of the crash that an object of that name is about. */
export const idIn = (name: string): string => name.slice(name.lastIndexOf('-') + 1);
