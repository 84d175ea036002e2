// What the values of the Helm chart may be; values.yaml says what they are for, and is checked against this.
import { z } from 'zod';
import { configJsonSchema } from '../../src/config/json-schema.ts';

const text = z.string();
const texts = z.record(text, text);
/** What goes to the API server as it is; it knows the shape itself. */
const object = z.looseObject({});
const objects = z.array(object);
const folder = z.string().regex(/^\/.*[^/]$/);

/** What both workloads have. */
const workload = {
	priorityClassName: text,
	resources: object,
	nodeSelector: texts,
	affinity: object,
	tolerations: objects,
	terminationGracePeriodSeconds: z.int().min(0),
	podLabels: texts,
	podAnnotations: texts,
	env: objects,
};

export const values = z
	.strictObject({
		roles: z.enum(['separate', 'together']),
		image: z.strictObject({
			repository: text.min(1),
			tag: text,
			digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
			pullPolicy: z.enum(['IfNotPresent', 'Always', 'Never']),
		}),
		imagePullSecrets: z.array(z.strictObject({ name: text.min(1) })),
		config: object,
		cleaner: z.strictObject({
			helmReleases: z.boolean(),
			moreKinds: z.array(z.strictObject({ apiGroup: text, resources: z.array(text.min(1)).min(1) })),
		}),
		secrets: z.strictObject({ files: text, environment: text }),
		labels: texts,
		annotations: texts,
		crds: z.strictObject({ install: z.boolean() }),
		nodeAgent: z.strictObject({
			...workload,
			updateStrategy: object,
			readForeignCores: z.boolean(),
			systemdFiles: z.boolean(),
			containerFiles: z.strictObject({
				enabled: z.boolean(),
				containerdRoot: folder,
			}),
			seLinuxOptions: object,
			extraVolumes: objects,
			extraVolumeMounts: objects,
		}),
		controller: z.strictObject({
			...workload,
			replicas: z.int().min(1),
			podDisruptionBudget: z.strictObject({ enabled: z.boolean() }),
		}),
		networkPolicy: z.strictObject({
			enabled: z.boolean(),
			metricsFrom: objects,
			egressPorts: z.array(z.int().min(1).max(65_535)),
			egress: objects,
		}),
		podMonitor: z.strictObject({ enabled: z.boolean(), interval: text, labels: texts, relabelings: objects }),
		prometheusRule: z.strictObject({ enabled: z.boolean(), labels: texts }),
		global: object.optional(),
	})
	.describe('Values of the Helm chart milvus-coredump-agent');

const secretsBelong = 'a secret: put it into a Secret, and name that in "secrets"';

/** `charts/milvus-coredump-agent/values.schema.json`; nothing is required, as Helm lays what is given over values.yaml. */
export function valuesSchema(): string {
	const schema = z.toJSONSchema(values, { target: 'draft-7', io: 'input', reused: 'inline' });
	const config = {
		...configJsonSchema({ secretsBelong }),
		description: 'The configuration of the agent: docs/reference/configuration.md.',
	};
	return `${JSON.stringify(withoutRequired({ ...schema, properties: { ...schema.properties, config } }), null, '\t')}\n`;
}

function withoutRequired(schema: unknown): unknown {
	if (Array.isArray(schema)) return schema.map(withoutRequired);
	if (typeof schema !== 'object' || schema === null) return schema;
	const kept = Object.entries(schema).filter(([key, value]) => !(key === 'required' && Array.isArray(value)));
	return Object.fromEntries(kept.map(([key, value]) => [key, withoutRequired(value)]));
}
