import type { FailureClass, Question, Usage } from '../../domain/model-provider.ts';

/** Of a million tokens. */
export type Price = { readonly in: number; readonly out: number };

export const costOf = (usage: Usage, price: Price): number => (usage.in * price.in + usage.out * price.out) / 1_000_000;

/** How many tokens a question can take at the most: one for three bytes is more than services count for English, Chinese and code. */
export const mostUsage = ({ system, user, maxTokens }: Question): Usage => ({
	in: Math.ceil(Buffer.byteLength(system + user) / 3),
	out: maxTokens,
});

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
