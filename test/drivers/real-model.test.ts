import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checked, parseAnswer } from '../../src/components/opinion/answer.ts';
import { consult } from '../../src/components/opinion/consult.ts';
import { questionOf } from '../../src/components/opinion/question.ts';
import { requestOf } from '../../src/components/opinion/request.ts';
import type { ModelCall, Question, Reply } from '../../src/domain/model-provider.ts';
import { answer } from '../../src/domain/opinion.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { modelProvider } from '../../src/drivers/models/models.ts';
import { modelContract, never } from '../contract/model-provider.ts';
import { analyseLog } from '../support/analysis.ts';
import { root } from '../support/crash.ts';
import { describeRealModel, type RealModel, startRealModel } from '../support/real-model/real-model.ts';
import { until } from '../support/until.ts';

const timeoutMs = 120_000;

describeRealModel('a real language model', () => {
	let real: RealModel;
	let report: CrashReport;
	/** As Milvus is asked about when it died of a bug that is known. */
	let question: Question;
	const provider = (other: { readonly model?: string; readonly timeoutMs?: number; readonly onCall?: (call: ModelCall) => void } = {}) =>
		modelProvider({ service: 'openai-compatible', model: real.model, baseURL: real.baseURL, timeoutMs, ...other });
	const ask = (change: Partial<Question> = {}) => provider().ask({ ...question, ...change }, never);

	beforeAll(async () => {
		report = await analyseLog(join(root, 'test/fixtures/traces/mt-003.log'));
		question = questionOf(requestOf(report, { allows: new Set() }), { maxTokens: 600, temperature: 0.3, language: 'en' });
		real = await startRealModel();
	}, timeoutMs);
	afterAll(() => real?.[Symbol.asyncDispose]());

	describe('is a model provider', () => {
		modelContract(async () => ({ provider, wantsKey: false, async [Symbol.asyncDispose]() {} }));
	});

	test('answers about a real crash in the form that is asked for, at once, and it is counted', async () => {
		const calls: ModelCall[] = [];
		const given = await consult(provider({ onCall: (call) => calls.push(call) }), { whole: question, short: question }, never);
		expect(calls.map((call) => (call.is === 'response' ? call.outcome : call.is))).toEqual(['request', 'answer']);
		if (given.is !== 'given') throw new Error(given.why.words);
		expect(answer.parse(given.answer)).toMatchObject({ recommendations: [expect.any(String)], relatedIssues: [expect.any(String)] });
		// A token is at most a word with what is around it, and at least a sign.
		const { system, user } = question;
		expect(given.usage.in).toBeGreaterThan(`${system} ${user}`.split(/\s+/).length);
		expect(given.usage.in).toBeLessThan(Buffer.byteLength(system + user));
		expect(given.usage.out).toBeGreaterThan(Object.keys(given.answer).length);
		expect(given.usage.out).toBeLessThan(question.maxTokens);
	});

	test('is believed only what the report bears out', async () => {
		const given = parseAnswer(textOf(await ask()));
		if ('problem' in given) throw new Error(given.problem);
		const { unverifiedSuggestions, unverifiedIssues } = checked(given, report);
		const verified = given.codeSuggestions.filter((_, index) => !unverifiedSuggestions.includes(index));
		const told = question.user.toLowerCase();
		for (const { file, function: name } of verified)
			for (const part of [basename(file), name.replace(/\(.*/s, '').trim()]) expect(told).toContain(part.toLowerCase());
		for (const issue of given.relatedIssues) if (!unverifiedIssues.includes(issue)) expect(told).toContain(/\d+/.exec(issue)?.[0]);
		// Of a crash of which nothing is known, all is made up.
		expect(checked(given, { threads: [], knownIssues: [] })).toEqual({
			answer: given,
			unverifiedSuggestions: [0],
			unverifiedIssues: given.relatedIssues,
		});
	});

	test.each([
		{ language: 'en', temperature: 0 },
		{ language: 'zh', temperature: 0.3 },
		{ language: 'en', temperature: 1.5 },
	] as const)('gives any object where it is not held to a form, and what is wrong with it can be said (%o)', async (way) => {
		const { schema: _, ...free } = questionOf(requestOf(report, { allows: new Set() }), { maxTokens: 60, ...way });
		const text = textOf(await provider().ask(free, never));
		expect(text).toMatch(/^\{/);
		const given = parseAnswer(text);
		expect(given).toEqual('problem' in given ? { problem: expect.stringMatching(/^.{10,}$/s) } : answer.parse(given));
	});

	test('that does not come to an answer is told what is wrong once, and then let be', async () => {
		const calls: ModelCall[] = [];
		const free = { ...question, maxTokens: 5 };
		const asked = await consult(provider({ onCall: (call) => calls.push(call) }), { whole: free, short: free }, never);
		expect(asked).toMatchObject({ is: 'failed', usage: { out: 10 }, why: { class: 'broken answer', retry: 'never' } });
		expect(calls.filter((call) => call.is === 'request')).toHaveLength(2);
	});

	test('that can not be held to a schema is asked for any object, from then on', async () => {
		const calls: ModelCall[] = [];
		const strange = provider({ onCall: (call) => calls.push(call) });
		const schema = { type: 'object', properties: { color: { type: 'string', pattern: 'u' } } };
		for (let times = 0; times < 2; times++) expect(textOf(await strange.ask({ ...question, schema, maxTokens: 10 }, never))).toMatch(/^\{/);
		expect(calls.flatMap((call) => (call.is === 'response' ? [call.outcome] : []))).toEqual(['adapted', 'answer', 'answer']);
		expect(calls.findLast((call) => call.is === 'request')?.adapted).toEqual(['json_object for json_schema']);
	});

	test('is cut where the answer may have five tokens only, and that is no JSON', async () => {
		const reply = await ask({ maxTokens: 5 });
		expect(reply).toMatchObject({ is: 'answer', isCut: true, usage: { out: 5 } });
		expect(parseAnswer(textOf(reply))).toEqual({ problem: expect.stringContaining('not valid JSON') });
	});

	test('says that a question is too long for it, and is asked a shorter one', async () => {
		const whole = { ...question, user: `${question.user}${'\n#9 frame'.repeat(5000)}` };
		expect(await provider().ask(whole, never)).toMatchObject({
			is: 'failed',
			class: 'too long',
			retry: 'shorter',
			words: expect.stringMatching(/request \(\d+ tokens\) exceeds the available context size/),
		});
		expect(await consult(provider(), { whole, short: question }, never)).toMatchObject({ is: 'given' });
	});

	test('stops when nobody waits for its answer any more, and answers the next question', async () => {
		const stop = new AbortController();
		const endless = { ...question, user: 'Count from 1 to 5000 in words.', maxTokens: 3000, wantsJson: false };
		const asked = provider().ask(endless, stop.signal);
		const isGivenUp = expect(asked).rejects.toThrow('the agent ends');
		await until('at work', real.isAtWork, (is) => is);
		stop.abort(new Error('the agent ends'));
		await isGivenUp;
		await until('at work', real.isAtWork, (is) => !is);
		expect(await ask({ maxTokens: 5 })).toMatchObject({ is: 'answer' });
	});
});

function textOf(reply: Reply): string {
	if (reply.is !== 'answer') throw new Error(reply.words);
	return reply.text;
}
