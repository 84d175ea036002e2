import { defined } from '../../base/defined.ts';
import { timeLimit } from '../../base/time-limit.ts';
import type { ModelCall, ModelProvider, Question } from '../../domain/model-provider.ts';
import type { Address } from './address.ts';
import { readError } from './error.ts';
import { type Exchanged, exchange } from './exchange.ts';
import { failed } from './failure.ts';
import { type KeySource, masked, readKey } from './key.ts';
import { type Habits, habits } from './parameters.ts';
import { parsed, replyOf } from './reply.ts';
import type { Parameters, Service } from './service.ts';

type Options = KeySource & {
	readonly model: string;
	readonly timeoutMs: number;
	readonly userAgent?: string;
	readonly onCall?: (call: ModelCall) => void;
};

/** Asks one service, by and by in the way that it wants. */
export function asking(
	service: Service,
	{ url, shown }: Address,
	{ model, timeoutMs, userAgent = 'milvus-coredump-agent', onCall = () => {}, ...source }: Options,
): ModelProvider['ask'] {
	const learnt = habits();
	return async (question, signal) => {
		signal.throwIfAborted();
		const read = await readKey(source);
		if ('problem' in read) return failed('key', read.problem, { service, model, shown, key: undefined });
		const { key } = read;
		const asked = { service, model, shown, key };
		if (key === undefined && service.needsKey) return failed('key', '', asked);
		const headers = defined({
			accept: 'application/json',
			'content-type': 'application/json',
			'user-agent': userAgent,
			authorization: key === undefined ? undefined : `Bearer ${key}`,
		});
		const told = { service: service.kind, model, method: 'POST', address: shown, ...defined({ key: key && masked(key) }) } as const;
		using limit = timeLimit(signal, timeoutMs);
		// It ends: with each turn there is less that can be refused.
		for (;;) {
			const parameters = learnt.adapt(service.parameters(question));
			const body = JSON.stringify(bodyOf(model, question, parameters));
			onCall({ ...told, is: 'request', sizeBytes: Buffer.byteLength(body), adapted: learnt.learnt });
			const started = performance.now();
			const came = await exchange(url, headers, body, signal, limit);
			const took = { ...told, is: 'response', ...defined({ status: came.status }), ms: Math.round(performance.now() - started) } as const;
			if (isAdapted(learnt, service, came, parameters)) {
				onCall({ ...took, outcome: 'adapted' });
				continue;
			}
			const reply = replyOf(came, asked);
			onCall({ ...took, outcome: reply.is === 'answer' ? 'answer' : reply.class });
			return reply;
		}
	};
}

/** What is sent. */
export const bodyOf = (model: string, question: Question, parameters: Parameters) => ({
	model,
	messages: messagesOf(question),
	stream: false,
	...parameters,
});

const messagesOf = ({ system, user }: Question) => [
	{ role: 'system', content: system.toWellFormed() },
	{ role: 'user', content: user.toWellFormed() },
];

/** Whether the service refused a parameter by name, and the question is another request now. */
function isAdapted(learnt: Habits, service: Service, came: Exchanged, sent: Parameters): boolean {
	if (came.is !== 'answered' || came.status < 400) return false;
	const error = readError(came.status, parsed(came.text));
	return error !== undefined && learnt.learn(service, error, sent);
}
