import { z } from 'zod';
import { defined } from '../../base/defined.ts';
import { printable } from '../../base/printable.ts';
import type { Reply, Usage } from '../../domain/model-provider.ts';
import { readError } from './error.ts';
import { type Asked, failed, failedBy } from './failure.ts';
import { withoutKey } from './key.ts';

const text = z.string().optional().catch(undefined);
/** No question has more; what is beyond it is not counted by a service, but made up. */
const tokens = z.int().min(0).max(100_000_000);
const part = z.object({ type: z.literal('text'), text: z.string() });

/** Of what a service answers, what is read; services add to it as they like. */
const completion = z.object({
	model: text,
	choices: z
		.array(
			z.object({
				finish_reason: text,
				message: z.object({ content: z.union([z.string(), z.array(part)]).nullish(), refusal: text }),
			}),
		)
		.min(1),
});
const counted = z.object({ usage: z.object({ prompt_tokens: tokens, completion_tokens: tokens }) });

/** What a service answered with success. */
export function readAnswer(body: unknown, status: number, headers: Headers, asked: Asked): Reply {
	const read = completion.safeParse(body);
	if (!read.success) {
		const error = readError(status, body);
		if (error !== undefined) return failedBy(error, headers, asked);
		const [issue] = read.error.issues;
		return failed('broken answer', `${issue?.path.join('.') || 'it'}: ${issue?.message}`, asked, usageOf(body));
	}
	const [choice] = read.data.choices;
	const { finish_reason: end = 'stop', message } = choice as NonNullable<typeof choice>;
	const usage = usageOf(body);
	switch (end) {
		case 'sensitive':
		case 'content_filter':
			return failed('blocked', `by its review (${end})`, asked, usage);
		case 'network_error':
			return failed('service error', end, asked, usage);
		case 'model_context_window_exceeded':
			return failed('too long', end, asked, usage);
	}
	if (message.refusal) return failed('blocked', `the model refuses: ${message.refusal}`, asked, usage);
	const { content } = message;
	const written = (typeof content === 'string' ? content : (content ?? []).map((one) => one.text).join('')).toWellFormed();
	const isCut = end === 'length';
	if (written.trim() === '') return isCut ? failed('used up', '', asked, usage) : failed('broken answer', 'nothing is in it', asked, usage);
	// A service that repeats the key must not put it into a report.
	const clean = (words: string) => withoutKey(words, asked.key);
	const model = printable(clean(read.data.model || asked.model).slice(0, 100));
	return { is: 'answer', text: clean(written), ...defined({ isCut: isCut || undefined }), model, ...usage };
}

function usageOf(body: unknown): { readonly usage?: Usage } {
	const { data } = counted.safeParse(body);
	return data === undefined ? {} : { usage: { in: data.usage.prompt_tokens, out: data.usage.completion_tokens } };
}
