import { z } from 'zod';

/** What a language model says of a crash. It is an opinion: nothing is decided by it. */
const text = z.string().trim().min(1).max(8000);
const short = z.string().trim().max(500);

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

export type Answer = z.infer<typeof answer>;
export type Suggestion = z.infer<typeof suggestion>;

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
