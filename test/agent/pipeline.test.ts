import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { goOnOf, type Pipeline, readersOf, type Stages, startPipeline } from '../../src/agent/pipeline.ts';
import { createSteadily } from '../../src/agent/steadily.ts';
import type { Event } from '../../src/domain/events.ts';
import { notAnalysed } from '../../src/domain/fold.ts';
import { done, type Outcome, rejected, retry, type Stage, wait } from '../../src/domain/stage.ts';
import { type Journal, JournalUnavailable } from '../../src/journal/journal.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { events } from '../support/events.ts';
import { emptyJournal, type OpenJournal, take } from '../support/journal.ts';

const minute = 60_000;
const ids = (count: number) => Array.from({ length: count }, (_, index) => (0x3f9c_0000_0000 + index).toString(16));
const [a = '', b = '', c = ''] = ids(3);
const found = (id: string) => events(id).found;

const stage = (handle: Stage<'CoredumpFile'>['handle'], concurrency = 1): Stage => ({
	reads: ['CoredumpFile'],
	concurrency,
	handle: handle as Stage['handle'],
});

/** A stage that works until a test lets it go, and does not hear the signal. */
function deafStage() {
	const { promise, resolve } = Promise.withResolvers<Outcome>();
	const handle = vi.fn(() => promise);
	return { ...stage(handle), handle, letGo: () => resolve(done()) };
}

/** Stages at work on a journal that the test fills. What they said is in `lines`. */
type Running = OpenJournal & {
	readonly pipeline: Pipeline;
	readonly lines: readonly { readonly level: string; readonly msg: string; readonly stage?: string; readonly id?: string }[];
	stop(): Promise<void>;
};

async function running(stages: Stages, ...before: readonly Event[]): Promise<Running> {
	const opened = await emptyJournal(readersOf(stages), { goOn: goOnOf(stages) });
	opened.journal.append(...before);
	const lines: Running['lines'][number][] = [];
	const log = pino(
		{ level: 'debug', formatters: { level: (level) => ({ level }) } },
		{ write: (line) => void lines.push(JSON.parse(line)) },
	);
	const telemetry = createTelemetry(log);
	const stop = new AbortController();
	const pipeline = startPipeline(
		{ stages, journal: opened.journal, telemetry, steadily: createSteadily(telemetry, stop.signal) },
		stop.signal,
	);
	pipeline.ended.catch(() => {}); // a test that minds awaits it itself
	const remove = opened[Symbol.asyncDispose];
	return Object.assign(opened, {
		pipeline,
		lines,
		stop() {
			stop.abort();
			return pipeline.ended;
		},
		async [Symbol.asyncDispose]() {
			stop.abort();
			await remove();
		},
	});
}

/** Waits for what the stages make true. */
const until = (holds: () => unknown) => vi.waitFor(holds, { timeout: 10_000, interval: 5 });

const isIdle = (journal: Journal) => until(() => expect(journal.view.backlog()).toBe(0));

const messages = ({ lines }: Running, level: string) => lines.filter((line) => line.level === level).map(({ msg }) => msg);

test('the stages say themselves what they read, and several may read the same', () => {
	const reads = (...kinds: Event['kind'][]): Stage => ({ reads: kinds, concurrency: 1, handle: async () => done() });
	expect(
		readersOf({
			analyzer: reads('CoredumpFile'),
			storage: reads('CoredumpFile', 'AnalysisResults'),
			remover: reads('AnalysisResults'),
		}),
	).toEqual({ CoredumpFile: ['analyzer', 'storage'], AnalysisResults: ['storage', 'remover'] });
});

describe('a pipeline at work', () => {
	test('has each stage handle each event once, whether it came before or after the start', async () => {
		const handled: Record<'analyzer' | 'storage', string[]> = { analyzer: [], storage: [] };
		const counting = (name: keyof typeof handled) =>
			stage(async ({ key }) => {
				handled[name].push(key);
				await Promise.resolve();
				return done();
			}, 3);
		const stages = { analyzer: counting('analyzer'), storage: counting('storage') };
		const keys = ids(60);
		await using run = await running(stages, ...keys.slice(0, 20).map(found));
		for (const id of keys) {
			run.journal.append(found(id), found(id));
			if (id.endsWith('0')) await isIdle(run.journal);
		}
		await isIdle(run.journal);
		await run.stop();
		expect(handled.analyzer.sort()).toEqual(keys);
		expect(handled.storage.sort()).toEqual(keys);
	});

	test('carries what a stage emits to the stage that reads it', async () => {
		await using run = await running({
			analyzer: stage(async ({ key }) => done(events(key).analysed)),
			storage: { reads: ['AnalysisResults'], concurrency: 1, handle: async ({ key }) => done(events(key).stored) },
		});
		run.journal.append(found(a), found(b));
		await until(() => expect([...run.journal.view.reports()]).toMatchObject([{ status: 'stored' }, { status: 'stored' }]));
		await isIdle(run.journal);
		expect(run.lines.filter(({ msg }) => msg === 'settled').map((line) => `${line.stage} ${line.id}`)).toEqual(
			expect.arrayContaining([`analyzer ${a}`, `analyzer ${b}`, `storage ${a}`, `storage ${b}`]),
		);
	});

	test('gives a stage as much at once as it takes, and never more', async () => {
		const going: (() => void)[] = [];
		let most = 0;
		const three = stage(async () => {
			const { promise, resolve } = Promise.withResolvers<void>();
			most = Math.max(most, going.push(resolve));
			await promise;
			return done();
		}, 3);
		await using run = await running({ analyzer: three });
		run.journal.append(...ids(10).map(found));
		for (let left = 10; left > 0; left--) {
			await until(() => expect(going).toHaveLength(Math.min(3, left)));
			going.shift()?.();
			await until(() => expect(run.journal.view.backlog()).toBe(left - 1));
		}
		expect(most).toBe(3);
	});

	test('does not keep one stage from its work because another is busy', async () => {
		const deaf = deafStage();
		await using run = await running({ analyzer: deaf, storage: stage(async () => done()) });
		run.journal.append(...ids(5).map(found));
		await until(() => expect(run.journal.view.backlog()).toBe(5));
		expect(deaf.handle).toHaveBeenCalledOnce();
		deaf.letGo();
		await isIdle(run.journal);
	});

	test('tries again later what the world was in the way of, and says why', async () => {
		const tries: string[] = [];
		const outcomes = [retry('no answer'), done()];
		await using run = await running({
			analyzer: stage(async ({ key }) => {
				tries.push(key);
				return key === a ? (outcomes.shift() ?? done()) : done();
			}),
		});
		run.journal.append(found(a));
		await until(() => expect(messages(run, 'warn')).toEqual(['analyzer tries again later: no answer']));
		run.journal.append(found(b));
		await until(() => expect(tries).toEqual([a, b]));
		run.clock.now += minute;
		run.journal.append(found(c));
		await isIdle(run.journal);
		expect(tries.sort()).toEqual([a, a, b, c]);
	});

	test('hands out what waits as soon as its partner comes', async () => {
		const tries: string[] = [];
		await using run = await running({
			analyzer: stage(async ({ key }) => {
				tries.push(key);
				return tries.length === 1 ? wait(run.clock.now + minute, 'container-1') : done();
			}),
		});
		run.journal.append(found(a));
		await until(() => expect(tries).toEqual([a]));
		run.journal.append({ ...found(b), joinKey: 'container-1' });
		await isIdle(run.journal);
		expect(tries.sort()).toEqual([a, a, b]);
	});

	test('keeps what a stage rejects, and says why', async () => {
		await using run = await running({ analyzer: stage(async ({ key }) => (key === a ? rejected('not a core') : done())) });
		run.journal.append(found(a), found(b));
		await isIdle(run.journal);
		expect(messages(run, 'error')).toEqual(['analyzer gave up: not a core']);
		expect(run.journal.view.rejections()).toMatchObject([{ key: a, reason: 'not a core' }]);
	});
});

describe('a stage that throws', () => {
	const ways: Readonly<Record<string, () => Promise<Outcome>>> = {
		'an error': () => Promise.reject(new TypeError('x is undefined')),
		'before it returns a promise': () => {
			throw new TypeError('x is undefined');
		},
		'something that is no error': () => Promise.reject('x is undefined'),
		'nothing, but answers with what can not be kept': async () =>
			done({ kind: 'StorageEvent', key: a, body: { is: 'lost', reason: 1n as unknown as string } }),
	};
	for (const [way, fails] of Object.entries(ways)) {
		test(`${way}: is asked five times, then the event is rejected, and the others are handled`, async () => {
			const handle = vi.fn((event: Event) => (event.key === a ? fails() : Promise.resolve(done())));
			await using run = await running({ analyzer: stage(handle) });
			run.journal.append(found(a));
			for (const [index, other] of [...ids(6).slice(1), 'ffffffffffff'].entries()) {
				const errors = Math.min(5, index + 1);
				await until(() => expect(messages(run, 'error').filter((line) => line === 'unexpected error in analyzer')).toHaveLength(errors));
				run.clock.now += 5 * minute;
				run.journal.append(found(other));
			}
			await isIdle(run.journal);
			expect(handle.mock.calls.filter(([{ key }]) => key === a)).toHaveLength(5);
			expect(handle.mock.calls.filter(([{ key }]) => key !== a)).toHaveLength(6);
			expect(messages(run, 'error').at(-1)).toBe('analyzer gave up: the same error came too often');
			expect(run.journal.view.rejections()).toMatchObject([{ key: a, reason: expect.stringMatching(/x is undefined|BigInt/) }]);
		});
	}
});

test('a stage that gives up hands on what goes on all the same, and knew that its last try was the last', async () => {
	const lastTries: (boolean | undefined)[] = [];
	await using run = await running({
		analyzer: {
			...stage(async ({ key }, _signal, attempt) => {
				if (key !== a) return done(); // comes only to wake it
				lastTries.push(attempt?.isLastTry);
				throw new TypeError('x is undefined');
			}),
			goOn: ({ key }, reason) => [{ ...events(key).analysed, body: { core: null, analysis: { ...notAnalysed, notes: [reason] } } }],
		},
		storage: { reads: ['AnalysisResults'], concurrency: 1, handle: async ({ key }) => done(events(key).stored) },
	});
	run.journal.append(found(a));
	for (let failure = 1; failure <= 5; failure++) {
		await until(() => expect(messages(run, 'error').filter((line) => line === 'unexpected error in analyzer')).toHaveLength(failure));
		run.clock.now += 5 * minute;
		run.journal.append(found(ids(10)[failure] ?? ''));
	}
	await until(() => expect(run.journal.view.report(a)).toMatchObject({ status: 'stored', notes: ['TypeError: x is undefined'] }));
	expect(lastTries).toEqual([false, false, false, false, true]);
});

describe('a pipeline that is told to stop', () => {
	test('takes up nothing more, lets what is in hand come to its end, and then ends', async () => {
		const deaf = deafStage();
		await using run = await running({ analyzer: deaf });
		run.journal.append(found(a), found(b));
		await until(() => expect(deaf.handle).toHaveBeenCalledOnce());
		const ended = run.stop();
		deaf.letGo();
		await ended;
		expect(deaf.handle).toHaveBeenCalledOnce();
		expect(run.journal.view.backlog()).toBe(1);
		expect(run.pipeline.giveBack()).toBe(0);
		expect(take(run.journal, 'analyzer').event.key).toBe(b);
	});

	test('gives back what a stage breaks off at the signal, counted as nothing', async () => {
		const started = Promise.withResolvers<void>();
		await using run = await running({
			analyzer: stage((_event, signal) => {
				started.resolve();
				return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
			}),
		});
		run.journal.append(found(a));
		await started.promise;
		await run.stop();
		expect(take(run.journal, 'analyzer')).toMatchObject({ retries: 0, failures: 0, event: { key: a } });
		expect(messages(run, 'error')).toEqual([]);
	});

	test('gives back what a stage does not let go, and does not hear it any more', async () => {
		const deaf = deafStage();
		await using run = await running({ analyzer: { ...deaf, concurrency: 2 } });
		run.journal.append(found(a), found(b), found(c));
		await until(() => expect(deaf.handle).toHaveBeenCalledTimes(2));
		const ended = run.stop();
		expect(run.pipeline.giveBack()).toBe(2);
		expect(run.pipeline.giveBack()).toBe(0);
		const anew = [take(run.journal, 'analyzer'), take(run.journal, 'analyzer')];
		deaf.letGo();
		await ended;
		for (const claim of anew) run.journal.giveBack(claim); // still in hand
		expect(run.journal.view.backlog()).toBe(3);
		const journal = run.reopen();
		for (const key of [a, b, c]) expect(take(journal, 'analyzer')).toMatchObject({ retries: 0, failures: 0, event: { key } });
	});

	test('handles nothing when it was told before it began', async () => {
		const handle = vi.fn(async () => done());
		const stages = { analyzer: stage(handle) };
		await using opened = await emptyJournal(readersOf(stages));
		opened.journal.append(found(a));
		const telemetry = createTelemetry(pino({ level: 'silent' }));
		const steadily = createSteadily(telemetry, AbortSignal.abort());
		const pipeline = startPipeline({ stages, journal: opened.journal, telemetry, steadily }, AbortSignal.abort());
		await pipeline.ended;
		expect(handle).not.toHaveBeenCalled();
	});
});

describe('a journal that fails', () => {
	/** From now on no work can be taken or settled. */
	function damage(path: string): void {
		using other = new DatabaseSync(path);
		other.exec("create trigger damage before update on work begin select raise(abort, 'the table is damaged'); end");
	}

	test('ends the pipeline with its error, when work is taken', async () => {
		const handle = vi.fn(async () => done());
		await using run = await running({ analyzer: stage(handle), storage: stage(async () => done()) });
		damage(run.path);
		run.journal.append(found(a));
		await expect(run.pipeline.ended).rejects.toThrow('the table is damaged');
		expect(handle).not.toHaveBeenCalled();
	});

	test('ends the pipeline with its error, when work is settled, and tells the other stages to stop', async () => {
		const started = Promise.withResolvers<void>();
		const stopped = vi.fn();
		await using run = await running({
			analyzer: stage(async () => {
				damage(run.path);
				return done();
			}),
			storage: {
				reads: ['AnalysisResults'],
				concurrency: 1,
				handle(_event, signal) {
					started.resolve();
					return new Promise((_, reject) => {
						signal.addEventListener('abort', stopped);
						signal.addEventListener('abort', () => reject(signal.reason));
					});
				},
			},
		});
		run.journal.append(events(b).analysed);
		await started.promise;
		run.journal.append(found(a));
		await expect(run.pipeline.ended).rejects.toThrow('the table is damaged');
		expect(stopped).toHaveBeenCalledOnce();
	});

	test('ends the pipeline also while another stage does not let go', async () => {
		const deaf = deafStage();
		await using run = await running({
			analyzer: deaf,
			storage: { reads: ['AnalysisResults'], concurrency: 1, handle: async () => done() },
		});
		run.journal.append(found(a));
		await until(() => expect(deaf.handle).toHaveBeenCalledOnce());
		damage(run.path);
		const ended = vi.fn();
		run.pipeline.ended.catch(ended);
		run.journal.append(events(b).analysed);
		try {
			await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce(), { timeout: 500, interval: 5 });
		} finally {
			deaf.letGo();
		}
	});

	test('is waited out when it only can not be used for now, also while there is nothing to do', async () => {
		await using run = await running({ analyzer: stage(async () => done()) });
		// A disk that fails at this very question can't be had.
		const ready = vi.spyOn(run.journal, 'ready').mockImplementationOnce(() => {
			throw new JournalUnavailable('disk I/O error');
		});
		run.journal.append(found(a));
		await until(() => expect(messages(run, 'info')).toContain('journal is ready again'));
		expect(messages(run, 'error')).toEqual(['journal is not ready: disk I/O error']);
		expect(ready.mock.calls.length).toBeGreaterThan(1);
		await isIdle(run.journal);
		await run.stop();
	});

	test('does not make giving back fail as well', async () => {
		await using run = await running({
			analyzer: stage(async () => {
				damage(run.path);
				return done();
			}),
		});
		run.journal.append(found(a));
		await expect(run.pipeline.ended).rejects.toThrow('the table is damaged');
		run.pipeline.giveBack();
	});
});
