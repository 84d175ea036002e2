import type { FailureClass, Question, Usage } from '../../domain/model-provider.ts';
import { longestRepeat, type Questions } from './question.ts';

/** Of a million tokens. */
export type Price = { readonly in: number; readonly out: number };

export const costOf = (usage: Usage, price: Price): number => (usage.in * price.in + usage.out * price.out) / 1_000_000;

/** How many tokens a question can take at the most: one for three bytes is more than services count for English, Chinese and code. */
export const mostUsage = ({ system, user, maxTokens }: Question): Usage => ({
	in: Math.ceil(Buffer.byteLength(system + user) / 3),
	out: maxTokens,
});

/** What asking about a crash can take at the most: the whole, the short one, and one attempt to mend the answer. */
export function mostOf({ whole, short }: Questions): Usage {
	const mending = { in: longestRepeat + mostProblem, out: 0 };
	return [mostUsage(whole), mostUsage(short), mostUsage(whole), mending].reduce(sum);
}

/** What is wrong with an answer takes fewer tokens. */
const mostProblem = 1000;

export const sum = (one: Usage, other: Usage): Usage => ({ in: one.in + other.in, out: one.out + other.out });

/** Failures after which the service has perhaps counted tokens, though it does not say so. */
const perhapsCounted: ReadonlySet<FailureClass> = new Set([
	'timeout',
	'broken answer',
	'unreachable',
	'service error',
	'used up',
	'blocked',
]);

export const isPerhapsCounted = (name: FailureClass): boolean => perhapsCounted.has(name);
