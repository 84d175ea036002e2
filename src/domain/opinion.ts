import { z } from 'zod';

/** What a language model says of a crash. It is an opinion: nothing is decided by it. */
const text = z.string().trim().min(1).max(8000);
const short = z.string().trim().max(500);
const time = z.iso.datetime({ precision: 3 });

export const suggestion = z.strictObject({
	file: short,
	function: short,
	lineNumber: z.int().min(0),
	issue: text,
	suggestion: text,
	priority: z.enum(['high', 'medium', 'low']),
});

/** As a model is asked to answer; anything else is no answer. */
export const answer = z.strictObject({
	summary: text,
	rootCause: text,
	impact: text,
	recommendations: z.array(text).max(20),
	confidence: z.number().min(0).max(1),
	codeSuggestions: z.array(suggestion).max(20),
	relatedIssues: z.array(short).max(20),
});

/** An answer, and how it came. */
export const given = z.strictObject({
	time: time.describe('when the model answered'),
	provider: z.string(),
	model: z.string().describe('as the service calls it'),
	promptVersion: z.int().describe('of how it is asked'),
	usage: z.strictObject({ in: z.int(), out: z.int() }).exactOptional().describe('in tokens, where the service says so'),
	cost: z.number().exactOptional().describe('in the currency of the configured prices; absent where there is no price'),
	answer,
});

export const opinion = z.discriminatedUnion('is', [
	given.extend({
		is: z.literal('given'),
		revision: z.int().min(1).describe('of the report that was asked about'),
		isRemembered: z.literal(true).exactOptional().describe('it was given to an earlier crash of the same bug and image, and cost nothing'),
		unverifiedSuggestions: z
			.array(z.int().min(0))
			.describe('indexes of code suggestions that name a file or function which is in no stack'),
		unverifiedIssues: z.array(z.string()).describe('related issues that the knowledge base does not name for this crash'),
	}),
	z.strictObject({
		is: z.literal('not available'),
		revision: z.int().min(1),
		time,
		reason: z.string(),
	}),
]);

export type Answer = z.infer<typeof answer>;
export type Suggestion = z.infer<typeof suggestion>;
export type Given = z.infer<typeof given>;
export type Opinion = z.infer<typeof opinion>;

/** The form of an answer, for services that hold a model to it: without limits, which they do not all know. */
export const answerSchema: Readonly<Record<string, unknown>> = z.toJSONSchema(answer, {
	override({ jsonSchema }) {
		for (const limit of ['minLength', 'maxLength', 'maxItems', 'minimum', 'maximum', '$schema'] as const) delete jsonSchema[limit];
	},
});

/** @returns undefined for what is no answer */
export function readAnswer(value: unknown): Answer | undefined {
	const read = answer.safeParse(value);
	return read.success ? read.data : undefined;
}

/** What is wrong with it: where, and what is expected there. */
export function problemsOfAnswer(value: unknown): string {
	const { error } = answer.safeParse(value);
	const all = error?.issues.map(({ path, message }) => `${path.length === 0 ? 'the object' : path.join('.')}: ${message}`) ?? [];
	return all.slice(0, 8).join('; ');
}
