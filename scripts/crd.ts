// Custom resource definitions out of zod schemas.
import { stringify } from 'yaml';
import { z } from 'zod';
import * as cleanup from '../src/domain/cleanup-object/cleanup-object.ts';
import { resource, spec, status } from '../src/domain/crash-object/crash-object.ts';

type Resource = {
	readonly group: string;
	readonly version: string;
	readonly kind: string;
	readonly plural: string;
	readonly singular: string;
	readonly shortNames: readonly string[];
};

/** A column of `kubectl get`; those with a priority only with `-o wide`. */
type Column = {
	readonly name: string;
	readonly type: 'string' | 'integer' | 'number' | 'date';
	readonly jsonPath: string;
	readonly description: string;
	readonly priority?: 1;
};

/** https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ */
export function definition(
	{ group, version, kind, plural, singular, shortNames }: Resource,
	schemas: { readonly description: string; readonly spec: z.ZodType; readonly status: z.ZodType },
	columns: readonly Column[],
): object {
	const { description } = schemas;
	return {
		apiVersion: 'apiextensions.k8s.io/v1',
		kind: 'CustomResourceDefinition',
		metadata: { name: `${plural}.${group}` },
		spec: {
			group,
			names: { kind, listKind: `${kind}List`, plural, singular, shortNames },
			scope: 'Namespaced',
			versions: [
				{
					name: version,
					served: true,
					storage: true,
					subresources: { status: {} },
					additionalPrinterColumns: columns,
					schema: {
						openAPIV3Schema: {
							description,
							type: 'object',
							required: ['spec'],
							properties: {
								apiVersion: { type: 'string' },
								kind: { type: 'string' },
								metadata: { type: 'object' },
								spec: structural(schemas.spec),
								status: structural(schemas.status),
							},
						},
					},
				},
			],
		},
	};
}

/** As the API server wants it: nothing refers to anything, and no pattern says anew what a format says. */
const structural = (schema: z.ZodType) =>
	z.toJSONSchema(schema, {
		target: 'openapi-3.0',
		io: 'input',
		reused: 'inline',
		override({ jsonSchema }) {
			if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
			if (jsonSchema.type !== 'integer') return;
			if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
			if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
			jsonSchema.format = 'int64';
		},
	});

const columns: readonly Column[] = [
	{ name: 'Instance', type: 'string', jsonPath: '.spec.association.instance', description: 'Milvus instance' },
	{ name: 'Pod', type: 'string', jsonPath: '.spec.association.pod', description: 'Pod that crashed' },
	{ name: 'Reason', type: 'string', jsonPath: '.status.summary.what', description: 'Signal, or what else ended the process' },
	{ name: 'Culprit', type: 'string', jsonPath: '.status.summary.culprit', description: 'What is to blame' },
	{ name: 'Score', type: 'number', jsonPath: '.spec.score.total', description: 'What the core is worth, of 10' },
	{ name: 'Stored As', type: 'string', jsonPath: '.status.storedAs', description: 'Where the core is, or why it is nowhere' },
	{ name: 'Known Issue', type: 'string', jsonPath: '.status.summary.knownIssue', description: 'Issue that describes this crash' },
	{ name: 'Count', type: 'integer', jsonPath: '.status.count', description: 'How many crashes like it this report stands for' },
	{ name: 'Age', type: 'date', jsonPath: '.spec.time', description: 'Time since the crash' },
	{ name: 'Last', type: 'date', jsonPath: '.status.lastTime', description: 'Time since the last crash like it', priority: 1 },
	{ name: 'Node', type: 'string', jsonPath: '.spec.association.node', description: 'Node of the pod', priority: 1 },
	{ name: 'Summary', type: 'string', jsonPath: '.status.summary.headline', description: 'The crash in one line', priority: 1 },
];

/** `deploy/crds/crashreports.yaml` */
export function crashReportDefinition(): string {
	const description = 'What is known of one crash of Milvus, or of several that are alike. Written by milvus-coredump-agent.';
	const manifest = definition(resource, { description, spec, status }, columns);
	return file('src/domain/crash-object', manifest);
}

const cleanupColumns: readonly Column[] = [
	{ name: 'Instance', type: 'string', jsonPath: '.spec.instance', description: 'Milvus instance' },
	{ name: 'Kind', type: 'string', jsonPath: '.spec.kind', description: 'Who manages it' },
	{ name: 'Restarts', type: 'integer', jsonPath: '.status.restarts.counted', description: 'Crash restarts that count' },
	{ name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'What has become of the decision' },
	// As text: of a time to come kubectl would show nothing of use.
	{ name: 'Due', type: 'string', jsonPath: '.spec.dueAt', description: 'Until then it has to recover' },
	{ name: 'Reason', type: 'string', jsonPath: '.status.reason', description: 'Why it is in this phase' },
	{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since the first decision' },
	{ name: 'Since', type: 'date', jsonPath: '.status.since', description: 'Time in this phase', priority: 1 },
	{ name: 'Looked', type: 'date', jsonPath: '.status.lookedAt', description: 'Time since it was last written down', priority: 1 },
	{ name: 'Contents', type: 'string', jsonPath: '.status.contents.is', description: 'Whether it is known what would go', priority: 1 },
	{ name: 'Saved', type: 'string', jsonPath: '.status.saved.name', description: 'Secret that holds what brings it back', priority: 1 },
];

/** `deploy/crds/instancecleanups.yaml` */
export function instanceCleanupDefinition(): string {
	const description =
		'The decision that a Milvus instance does nothing but crash, and what has become of it. Written by milvus-coredump-agent.';
	const manifest = definition(cleanup.resource, { description, spec: cleanup.spec, status: cleanup.status }, cleanupColumns);
	return file('src/domain/cleanup-object', manifest);
}

/** kubectl and Helm read YAML 1.1, to which a bare yes is true. */
const file = (source: string, manifest: object) =>
	`# Made by \`npm run docs\` from ${source}.\n${stringify(manifest, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })}`;
