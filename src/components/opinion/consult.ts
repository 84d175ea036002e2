import type { Answered, Failed, ModelProvider, Question, Usage } from '../../domain/model-provider.ts';
import type { Answer } from '../../domain/opinion.ts';
import { parseAnswer } from './answer.ts';
import { isPerhapsCounted, mostUsage, sum } from './price.ts';
import { type Questions, repairOf } from './question.ts';

/** What came of asking; `usage`: of all that was asked, estimated where the service does not tell. */
export type Consulted = { readonly usage: Usage } & (
	| { readonly is: 'given'; readonly answer: Answer; readonly model: string }
	| { readonly is: 'failed'; readonly why: Pick<Failed, 'class' | 'retry' | 'retryAt' | 'words'> }
);

/** So often a model is asked about a crash at the most: the whole, the short one, and one attempt to mend the answer. */
export const mostCalls = 3;

/**
 * Asks a model about a crash, with a shorter question where the whole is too long for it, and tells it once what is wrong with its answer.
 *
 * @throws the signal's reason
 */
export async function consult(provider: ModelProvider, { whole, short }: Questions, signal: AbortSignal): Promise<Consulted> {
	let usage: Usage = { in: 0, out: 0 };
	const ask = async (question: Question) => {
		const reply = await provider.ask(question, signal);
		if (reply.usage) usage = sum(usage, reply.usage);
		else if (reply.is === 'answer' || isPerhapsCounted(reply.class)) usage = sum(usage, mostUsage(question));
		return reply;
	};

	let asked = whole;
	let reply = await ask(asked);
	if (reply.is === 'failed' && reply.retry === 'shorter') {
		asked = short;
		reply = await ask(asked);
	}
	if (reply.is === 'failed') return { is: 'failed', why: reply, usage };
	const first = read(reply);
	if ('answer' in first) return { is: 'given', ...first, model: reply.model, usage };
	const again = await ask(repairOf(asked, reply.text, first.problem));
	if (again.is === 'failed') return { is: 'failed', why: again, usage };
	const second = read(again);
	if ('answer' in second) return { is: 'given', ...second, model: again.model, usage };
	const words = `the answer of ${again.model} is not as it was asked for: ${second.problem}`;
	return { is: 'failed', why: { class: 'broken answer', retry: 'never', words }, usage };
}

function read({ text, isCut }: Answered): { readonly answer: Answer } | { readonly problem: string } {
	const answer = parseAnswer(text);
	if (!('problem' in answer)) return { answer };
	return { problem: isCut ? 'it is longer than allowed, and was cut: be brief' : answer.problem };
}
