import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import type { ModelProvider, Question } from '../../src/domain/model-provider.ts';

/** A service, real or played, made anew for each test. */
export type Serving = AsyncDisposable & {
	provider(other?: { readonly apiKey?: string; readonly model?: string; readonly timeoutMs?: number }): ModelProvider;
	/** Whether it serves only who has a key. */
	readonly wantsKey: boolean;
	/** So that not even a millisecond is enough, where that can be had. */
	makeSlow?(): void;
};

export const never = new AbortController().signal;
export const question: Question = {
	system: 'You answer with one JSON object and nothing else.',
	user: 'What is the color of a clear sky at noon? Answer in JSON, as {"color": "…"}.',
	maxTokens: 500,
	temperature: 0.3,
	wantsJson: true,
	schema: { type: 'object', properties: { color: { type: 'string' } }, required: ['color'], additionalProperties: false },
};

/** What every provider promises. */
export function modelContract(make: () => Promise<Serving>): void {
	test('an object that is asked for is answered, with what it took', async () => {
		await using serving = await make();
		const provider = serving.provider();
		const reply = await provider.ask(question, never);
		if (reply.is !== 'answer') throw new Error(reply.words);
		expect(reply.isCut).toBeUndefined();
		expect(reply.model).not.toBe('');
		expect(reply.usage?.in).toBeGreaterThan(0);
		expect(reply.usage?.out).toBeGreaterThan(0);
		expect(reply.usage?.out).toBeLessThanOrEqual(question.maxTokens);
		expect(JSON.parse(reply.text.slice(reply.text.indexOf('{'), reply.text.lastIndexOf('}') + 1))).toEqual({ color: expect.any(String) });
	});

	test('an answer that is longer than it may be is cut, and says so', async () => {
		await using serving = await make();
		const counting = {
			system: 'You are patient.',
			user: 'Count from 1 to 500 in words.',
			maxTokens: 20,
			temperature: 0.3,
			wantsJson: false,
		};
		const reply = await serving.provider().ask(counting, never);
		expect(reply).toMatchObject({ is: 'answer', isCut: true });
		expect(reply.usage?.out).toBeLessThanOrEqual(20);
	});

	test('a model that is not there is told as that, and nothing helps until it is changed', async () => {
		await using serving = await make();
		const reply = await serving.provider({ model: 'no-such-model-1' }).ask(question, never);
		expect(reply).toMatchObject({ is: 'failed', class: 'model', retry: 'when changed', words: expect.stringContaining('no-such-model-1') });
	});

	test('a wrong key is told as that, and is not repeated', async ({ skip }) => {
		await using serving = await make();
		skip(!serving.wantsKey, 'it wants no key');
		const apiKey = 'wrong0123456789.notthesecret0123';
		const reply = await serving.provider({ apiKey }).ask(question, never);
		expect(reply).toMatchObject({ is: 'failed', class: 'key', retry: 'when changed', words: expect.stringContaining('aiAnalysis.apiKey') });
		for (const part of [apiKey, ...apiKey.split('.')]) expect(JSON.stringify(reply)).not.toContain(part);
	});

	test('what takes too long is given up', async () => {
		await using serving = await make();
		serving.makeSlow?.();
		const reply = await serving.provider({ timeoutMs: 1 }).ask(question, never);
		expect(reply).toMatchObject({ is: 'failed', class: 'timeout', retry: 'later' });
	});

	test('a signal to stop is obeyed, before and meanwhile, and leaves no trace', async () => {
		await using serving = await make();
		const stop = new AbortController();
		const reason = new Error('stopped');
		expect(await serving.provider().ask(question, stop.signal)).toMatchObject({ is: 'answer' });
		expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
		const asked = serving.provider().ask(question, stop.signal);
		stop.abort(reason);
		await expect(asked).rejects.toBe(reason);
		await expect(serving.provider().ask(question, stop.signal)).rejects.toBe(reason);
		expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
	});
}
