import { z } from 'zod';
import { kind, knownIssue } from '../../../domain/report.ts';

/** The processes that a Milvus image runs, by the names that Helm chart and operator give them. */
export const components = [
	'standalone',
	'proxy',
	'rootcoord',
	'querycoord',
	'datacoord',
	'indexcoord',
	'mixcoord',
	'querynode',
	'datanode',
	'indexnode',
	'streamingnode',
	'cdc',
] as const;

const line = z
	.string()
	.min(1)
	.max(300)
	.regex(/^\P{Cc}*$/u, 'one line of text');
const list = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(50);
const thread = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}#\d{1,9}$/, 'a thread such as milvus-io/milvus#28065');

/** A border before the `*` is not asked for here: without one the `*` means itself, as in `operator*`. */
const framePattern = z
	.string()
	.max(300)
	.regex(
		/^[^\s*:./]\P{Cc}{2,}$/u,
		'a function such as knowhere::IvfIndexNode::Deserialize, or all of a class such as milvus::SkipIndex::*',
	);

const match = z
	.strictObject({
		frames: list(framePattern).exactOptional(),
		text: list(line.min(4)).exactOptional(),
		kinds: list(kind.exclude(['unknown'])).exactOptional(),
		exitCodes: list(z.int().min(0).max(255)).exactOptional(),
		components: list(z.enum(components)).exactOptional(),
	})
	.refine((value) => value.frames !== undefined || value.text !== undefined, {
		error: 'frames or text in it, which the other keys only narrow down',
		when: ({ value }) => isObject(value),
	});

/** One known issue as the file writes it; `known-issues.yaml` explains the keys at its head. */
export const entry = z
	.strictObject({
		id: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,63}$/, 'lower-case letters, digits, dots and hyphens, such as ivf-deserialize'),
		match,
		requireAll: z.boolean().default(false),
		cause: z.enum(['code', 'config', 'environment', 'dependency', 'data']),
		issues: list(thread).default([]),
		fixes: list(thread).default([]),
		affects: list(line).default([]),
		fixedIn: z
			.string()
			.regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/, 'a release such as 2.5.9; pull requests belong under fixes')
			.exactOptional(),
		symptom: line,
		advice: line,
		cleanup: knownIssue.shape.cleanup,
		confidence: z.enum(['high', 'medium', 'low']),
		origin: line.exactOptional(),
	})
	.refine(({ match, requireAll }) => requireAll !== true || (match.frames !== undefined && match.text !== undefined), {
		path: ['requireAll'],
		error: 'false, or both frames and text under match',
		when: ({ value }) => hasMatch(value),
	})
	.refine(({ match, origin }) => origin === undefined || match.text !== undefined, {
		path: ['origin'],
		error: 'text under match, which stands for it',
		when: ({ value }) => hasMatch(value),
	});

export const file = z.strictObject({ version: z.literal(1), issues: z.array(entry).max(1000) });

export type Entry = z.output<typeof entry>;

/** So that what depends on two keys is told together with what else is wrong in an entry. */
const hasMatch = (value: unknown) => isObject(value) && 'match' in value && isObject(value.match);
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
