import { writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { modelsOf, opinionOptions } from '../../src/agent/model.ts';
import { opinions } from '../../src/components/opinion/opinion.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import type { Event } from '../../src/domain/events.ts';
import type { Opinion } from '../../src/domain/opinion.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import type { Outcome } from '../../src/domain/stage.ts';
import { events } from '../support/events.ts';
import { memoryLedger } from '../support/memory-ledger.ts';
import { glmError, type ModelServer, modelServer, serverKey, serverModel, written } from '../support/model-server.ts';
import { podReport } from '../support/pod-report.ts';
import { listening } from '../support/telemetry.ts';

const defaults = loadConfig({ mode: 'standalone', paths: { stateHome: '/nowhere', corePatternDirectory: '/nowhere' } }).config;
const minuteMs = 60_000;
const begin = Date.parse('2026-11-30T12:00:00.000Z');

const answer = {
	summary: 'A null index is read.',
	rootCause: 'LoadIndex runs before the index is there.',
	impact: 'The query node restarts.',
	recommendations: ['Upgrade.'],
	confidence: 0.7,
	codeSuggestions: [{ file: 'NoSuch.cpp', function: 'Ghost', lineNumber: 1, issue: 'i', suggestion: 's', priority: 'low' }],
	relatedIssues: ['milvus#1'],
};
const said = written(JSON.stringify(answer));

type Setting = { readonly config?: Partial<Config['aiAnalysis']>; readonly party?: string; readonly key?: string | undefined };

/** A server that answers as a model would, and stages that ask it about crashes; time stands still until it is moved. */
async function withModel() {
	const server = await modelServer('glm');
	server.always(said);
	const ledger = memoryLedger();
	const { telemetry, lines } = listening();
	let now = begin;
	const reports = new Map<string, CrashReport>();
	return {
		server,
		ledger,
		lines,
		telemetry,
		pass(ms: number) {
			now += ms;
		},
		/** @returns what hands it a crash whose core was stored, since which so much time has passed, or another event about one */
		asking({ config, party = 'node-1', ...setting }: Setting = {}) {
			const key = 'key' in setting ? {} : { apiKey: serverKey };
			const own = { ...defaults.aiAnalysis, enabled: true, baseURL: server.baseURL, model: serverModel, ...key, ...config };
			const stages = opinions({
				models: modelsOf(own, telemetry.modelCalled),
				reports: { report: (id) => reports.get(id) },
				ledger,
				telemetry,
				options: opinionOptions(own, party),
				now: () => now,
			});
			return {
				tell: stages.tell,
				begin: (signal = new AbortController().signal) => stages.begin(signal),
				about(
					report: CrashReport,
					ageMs = 0,
					event: Event<'StorageEvent' | 'OpinionRequest'> = { ...events(report.id).stored, key: report.id },
				) {
					reports.set(report.id, report);
					return stages.stage.handle(event, new AbortController().signal, { isLastTry: false, at: now - ageMs });
				},
			};
		},
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}

function opinionIn(outcome: Outcome): Opinion {
	const [event] = outcome.is === 'done' ? outcome.emit : [];
	if (event?.kind !== 'OpinionEvent') throw new Error(`no opinion: ${JSON.stringify(outcome)}`);
	return event.body.opinion;
}

const crash = (id: string, change: Omit<Partial<CrashReport>, 'association'> = {}) => podReport({ id, ...change });
const [first, second] = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'] as const;
const calls = (server: ModelServer) => server.asked().length;

describe('an opinion', () => {
	test('is an event of its own, with what it cost, and what in it nothing bears out', async () => {
		await using model = await withModel();
		const asking = model.asking({ config: { pricing: { [serverModel]: { in: 10, out: 100 } } } });
		expect(opinionIn(await asking.about(crash(first)))).toEqual({
			is: 'given',
			revision: 1,
			time: new Date(begin).toISOString(),
			provider: 'glm',
			model: serverModel,
			promptVersion: 1,
			usage: { in: 12, out: 34 },
			cost: (12 * 10 + 34 * 100) / 1_000_000,
			answer,
			unverifiedSuggestions: [0],
			unverifiedIssues: ['milvus#1'],
		});
		expect(model.ledger.book.month).toEqual({ name: '2026-11', spent: { 'node-1': 0.00352 } });
	});

	test('is told in the log with provider, tokens, cost and time, and the exchange at debug level with the key masked', async () => {
		await using model = await withModel();
		await model.asking({ config: { pricing: { [serverModel]: { in: 10, out: 100 } } } }).about(crash(first));
		expect(model.lines.find(({ msg }) => msg === 'AI analysis completed')).toMatchObject({
			level: 'info',
			...{ id: first, provider: 'glm', model: serverModel, tokens: { in: 12, out: 34 }, cost: 0.00352 },
			durationMs: expect.any(Number),
		});
		expect(model.lines.filter(({ msg }) => msg.startsWith('GLM API')).map(({ level, msg }) => `${level} ${msg}`)).toEqual([
			expect.stringMatching(/^debug GLM API request: POST http:\/\/127.0.0.1:\d+\/api\/paas\/v4\/chat\/completions, \d+ bytes$/),
			expect.stringMatching(/^debug GLM API response: 200 after \d+ ms: answer$/),
		]);
		expect(JSON.stringify(model.lines)).toContain('****3210');
		expect(JSON.stringify(model.lines)).not.toContain(serverKey);
	});

	test('is asked for once for a crash loop: the next crash of the same bug and image has it for nothing, on whatever node', async () => {
		await using model = await withModel();
		await model.asking().about(crash(first));
		const again = opinionIn(await model.asking({ party: 'node-2' }).about(crash(second)));
		expect(again).toMatchObject({ is: 'given', isRemembered: true, answer });
		expect(calls(model.server)).toBe(1);
	});

	test.for([
		['image', podReport({ id: second, association: { image: 'milvusdb/milvus:v2.6.16' } })],
		['fingerprint', crash(second, { fingerprint: 'v1:ffffffffffffffff' })],
	] as const)('is asked for anew with another %s', async ([, other]) => {
		await using model = await withModel();
		const asking = model.asking();
		await asking.about(crash(first));
		await asking.about(other);
		expect(calls(model.server)).toBe(2);
	});

	test('on one of two crashes of which nothing tells whether they are the same bug says nothing of the other', async () => {
		await using model = await withModel();
		const asking = model.asking();
		for (const id of [first, second]) await asking.about(crash(id, { fingerprint: null }));
		expect(calls(model.server)).toBe(2);
	});

	test('that a crash has already is not told again when more becomes known of it', async () => {
		await using model = await withModel();
		const asking = model.asking();
		const report = crash(first);
		const opinion = opinionIn(await asking.about(report));
		expect(await asking.about({ ...report, revision: 2, opinion })).toEqual({ is: 'done', emit: [] });
		expect(calls(model.server)).toBe(1);
	});

	test('is not asked for about what was not stored, unless that is wanted', async () => {
		await using model = await withModel();
		const skipped = (id: string) => ({ kind: 'StorageEvent', key: id, body: { is: 'skipped', reason: 'sampled' } }) as const;
		expect(await model.asking().about(crash(first), 0, skipped(first))).toEqual({ is: 'done', emit: [] });
		expect(calls(model.server)).toBe(0);
		const asking = model.asking({ config: { analyzeSkipped: true } });
		expect(opinionIn(await asking.about(crash(first), 0, skipped(first)))).toMatchObject({ is: 'given' });
	});

	test('is not asked for at all where that is switched off', async () => {
		await using model = await withModel();
		const asking = model.asking({ config: { enabled: false } });
		await asking.begin();
		expect(await asking.about(crash(first))).toEqual({ is: 'done', emit: [] });
		expect(calls(model.server)).toBe(0);
		expect(model.telemetry.states.get('opinion')).toEqual({ ready: true, reason: 'no model is asked (aiAnalysis.enabled)' });
	});

	test('of another model is a later revision, and is asked for although there is one', async () => {
		await using model = await withModel();
		const asking = model.asking();
		await asking.about(crash(first));
		const request = { kind: 'OpinionRequest', key: first, revision: 2, body: {} } as const;
		const outcome = await asking.about(crash(first, { revision: 2 }), 0, request);
		expect(outcome).toMatchObject({
			emit: [{ kind: 'OpinionEvent', key: first, revision: 2, body: { opinion: { is: 'given', revision: 2 } } }],
		});
		expect(calls(model.server)).toBe(2);
		model.server.always(glmError(400, '1211', 'no such model'));
		const other = { ...request, revision: 3, body: { model: 'glm-9' } };
		expect(opinionIn(await asking.about(crash(first, { revision: 3 }), 0, other))).toMatchObject({ is: 'not available' });
		expect(model.server.asked().at(-1)?.body.model).toBe('glm-9');
	});
});

describe('an answer that is not as it was asked for', () => {
	test('is told to the model once, with what is wrong', async () => {
		await using model = await withModel();
		model.server.next(written(JSON.stringify({ ...answer, confidence: 'high' })));
		expect(opinionIn(await model.asking().about(crash(first)))).toMatchObject({ is: 'given', usage: { in: 24, out: 68 } });
		const [, repair] = model.server.asked();
		expect(repair?.body.messages?.at(-1)?.content).toMatch(
			/You answered before:\n<<< .*\n.*"confidence":"high".*\n>>> .*\n\nThat is not .*\(confidence: /s,
		);
	});

	test('is not paid for again by a crash loop', async () => {
		await using model = await withModel();
		model.server.always(written('I can not help you.'));
		const asking = model.asking();
		await asking.about(crash(first));
		expect(opinionIn(await asking.about(crash(second)))).toMatchObject({ reason: expect.stringContaining('no JSON object') });
		expect(calls(model.server)).toBe(2);
		model.pass(25 * 60 * minuteMs);
		model.server.always(said);
		expect(opinionIn(await asking.about(crash(second)))).toMatchObject({ is: 'given' });
	});

	test('twice is none, and the report says what is wrong', async () => {
		await using model = await withModel();
		model.server.always(written('I can not help you.'));
		expect(opinionIn(await model.asking().about(crash(first)))).toEqual({
			is: 'not available',
			revision: 1,
			time: new Date(begin).toISOString(),
			reason: `the answer of ${serverModel} is not as it was asked for: there is no JSON object in it`,
		});
		expect(calls(model.server)).toBe(2);
	});

	test('a model that finds the question too long gets a shorter one, once', async () => {
		await using model = await withModel();
		model.server.next(glmError(400, '1261', 'Prompt 超长'));
		const long = Array.from({ length: 200 }, (_, index) => ({ function: `frame_${index}` }));
		expect(opinionIn(await model.asking().about(crash(first, { threads: [{ crashed: true, frames: long }] })))).toMatchObject({
			is: 'given',
		});
		const [whole = 0, short = 0] = model.server.asked().map(({ body }) => JSON.stringify(body).length);
		expect(short).toBeLessThan(whole - 1500);
	});
});

describe('a service that does not answer', () => {
	test('is tried again later, until that would help nobody any more', async () => {
		await using model = await withModel();
		model.server.always(glmError(500, '1234', 'network'));
		const asking = model.asking();
		expect(await asking.about(crash(first))).toMatchObject({ is: 'retry', reason: expect.stringContaining('GLM has an error of its own') });
		expect(opinionIn(await asking.about(crash(first), 16 * minuteMs))).toMatchObject({
			is: 'not available',
			reason: expect.stringContaining('GLM has an error of its own'),
		});
	});

	test('is left alone after three failures, for longer and longer, and one question tries for all', async () => {
		await using model = await withModel();
		model.server.always(glmError(500, '1234'));
		const asking = model.asking();
		for (let count = 0; count < 5; count++) expect(await asking.about(crash(first))).toMatchObject({ is: 'retry' });
		expect(calls(model.server)).toBe(3);
		expect(model.telemetry.states.get('opinion')).toEqual({ ready: true, reason: expect.stringContaining('an error of its own') });
		expect(await model.telemetry.metrics.registry.metrics()).toContain('milvus_coredump_agent_model_breaker{state="open"} 1');
		model.pass(minuteMs);
		asking.tell();
		expect(model.telemetry.states.get('opinion')).toEqual({ ready: true, reason: '' });
		for (let count = 0; count < 5; count++) await asking.about(crash(first));
		expect(calls(model.server)).toBe(1);
		model.pass(2 * minuteMs);
		model.server.always(said);
		expect(opinionIn(await asking.about(crash(first)))).toMatchObject({ is: 'given' });
		expect(model.telemetry.states.get('opinion')).toEqual({ ready: true, reason: '' });
		expect(model.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
	});

	test('by another name of a model says nothing of the one that is configured', async () => {
		await using model = await withModel();
		const asking = model.asking();
		model.server.next(glmError(400, '1211', 'no such model'));
		const request = { kind: 'OpinionRequest', key: first, revision: 2, body: { model: 'glm-typo' } } as const;
		expect(opinionIn(await asking.about(crash(first, { revision: 2 }), 0, request))).toMatchObject({ is: 'not available' });
		expect(model.telemetry.states.get('opinion')?.reason).not.toContain('glm-typo');
		expect(opinionIn(await asking.about(crash(second)))).toMatchObject({ is: 'given' });
	});

	test('for want of money is asked again after an hour, as the account may have some', async () => {
		await using model = await withModel();
		model.server.next(glmError(429, '1113', 'no money'));
		const asking = model.asking();
		for (const id of [first, second]) expect(opinionIn(await asking.about(crash(id)))).toMatchObject({ is: 'not available' });
		expect(calls(model.server)).toBe(1);
		model.pass(60 * minuteMs);
		expect(opinionIn(await asking.about(crash(first)))).toMatchObject({ is: 'given' });
	});

	test('leaves what was answered before', async () => {
		await using model = await withModel();
		const asking = model.asking({ config: { maxAnalysisPerHour: 1 } });
		await asking.about(crash(first));
		const other = crash('cccccccccccc', { fingerprint: 'v1:ffffffffffffffff' });
		expect(await asking.about(other)).toMatchObject({ is: 'retry', reason: expect.stringContaining('maxAnalysisPerHour') });
		expect(opinionIn(await asking.about(crash(second)))).toMatchObject({ is: 'given', isRemembered: true });
		model.server.always(glmError(401, '1000'));
		model.pass(2 * 60 * minuteMs);
		expect(opinionIn(await asking.about(other))).toMatchObject({ is: 'not available' });
		expect(opinionIn(await asking.about(crash(second)))).toMatchObject({ is: 'given', isRemembered: true });
	});

	test('is given up at once when the agent stops, also at its start', async () => {
		await using model = await withModel();
		model.server.always({ isSilent: true });
		const asking = model.asking();
		const stop = new AbortController();
		const started = asking.begin(stop.signal);
		await expect.poll(() => model.server.inHand()).toBe(1);
		stop.abort();
		await expect(started).resolves.toBeUndefined();
	});

	test('is not asked again with a wrong key, which is told in one line at the start; another key in the file counts at once', async () => {
		await using model = await withModel();
		await using folder = await mkdtempDisposable(join(tmpdir(), 'key-'));
		const apiKeyFile = join(folder.path, 'key');
		writeFileSync(apiKeyFile, 'wrong-key-000000000000');
		model.server.always(glmError(401, '1000', '身份验证失败。'));
		const asking = model.asking({ config: { apiKeyFile }, key: undefined });
		await asking.begin();
		const [line] = model.lines.filter(({ level }) => level === 'error');
		expect(line?.msg).toMatch(
			/^no AI analysis for now: GLM does not accept the key \*\*\*\*0000 .*; until that is changed it is asked once an hour$/,
		);
		expect(calls(model.server)).toBe(1);
		expect(opinionIn(await asking.about(crash(first)))).toMatchObject({
			is: 'not available',
			reason: expect.stringContaining('GLM does not accept the key'),
		});
		expect(calls(model.server)).toBe(0);
		writeFileSync(apiKeyFile, serverKey);
		model.server.always(said);
		expect(opinionIn(await asking.about(crash(first)))).toMatchObject({ is: 'given' });
		expect(await model.telemetry.metrics.registry.metrics()).toContain('milvus_coredump_agent_model_breaker{state="stopped"} 0');
	});
});

describe('a budget', () => {
	test('that the hour has used up makes the next wait, and then do without', async () => {
		await using model = await withModel();
		const asking = model.asking({ config: { maxAnalysisPerHour: 1 } });
		await asking.about(crash(first));
		const other = crash(second, { fingerprint: 'v1:ffffffffffffffff' });
		expect(await asking.about(other)).toMatchObject({ is: 'retry', reason: expect.stringContaining('maxAnalysisPerHour') });
		expect(opinionIn(await asking.about(other, 119 * minuteMs))).toMatchObject({ is: 'not available' });
		model.pass(61 * minuteMs);
		expect(opinionIn(await asking.about(other, 61 * minuteMs))).toMatchObject({ is: 'given' });
		expect(calls(model.server)).toBe(2);
	});

	test('of money that is used up is not waited for until the next month', async () => {
		await using model = await withModel();
		const asking = model.asking({ config: { maxCostPerMonth: 0.0001, pricing: { [serverModel]: { in: 10, out: 100 } } } });
		expect(opinionIn(await asking.about(crash(first)))).toMatchObject({
			is: 'not available',
			reason: expect.stringContaining('maxCostPerMonth'),
		});
		expect(calls(model.server)).toBe(0);
	});

	test('that can not be read lets nothing be asked', async () => {
		await using model = await withModel();
		model.ledger.problem = 'the ConfigMap is not there';
		const asking = model.asking();
		expect(await asking.about(crash(first))).toEqual({ is: 'retry', reason: 'the ConfigMap is not there' });
		expect(opinionIn(await asking.about(crash(first), 121 * minuteMs))).toMatchObject({ reason: 'the ConfigMap is not there' });
		expect(calls(model.server)).toBe(0);
	});

	test('is told at the start, what is left of it or why that is not known', async () => {
		await using model = await withModel();
		const asking = model.asking({ config: { maxAnalysisPerHour: 7 } });
		await asking.begin();
		expect(await model.telemetry.metrics.registry.metrics()).toContain('milvus_coredump_agent_model_budget_left{of="questions"} 7');
		model.ledger.problem = 'the ConfigMap is not there';
		await asking.begin();
		const errors = model.lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);
		expect(errors).toEqual(['no model is asked until its budget is known: the ConfigMap is not there']);
	});

	test('is settled by what the service counts, also where the answer is none', async () => {
		await using model = await withModel();
		model.server.always(written('no'));
		await model.asking({ config: { pricing: { [serverModel]: { in: 10, out: 100 } } } }).about(crash(first));
		expect(model.ledger.book).toMatchObject({ open: [], month: { spent: { 'node-1': 2 * 0.00352 } } });
	});
});
