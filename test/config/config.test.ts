import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, shownConfig } from '../../src/config/config.ts';
import { example, load, paths, warningsOf } from './load.ts';

describe('defaults', () => {
	test('the example file writes out exactly the defaults of a node, without a warning', () => {
		const { config, warnings } = loadConfig({ file: example, mode: 'node', paths });
		expect(warnings).toEqual([]);
		expect(config).toEqual(loadConfig({ mode: 'node', paths }).config);
	});

	test('every key of the schema is in the example file, but for those that have no default', () => {
		const shown = parse(shownConfig(loadConfig({ mode: 'node', paths }).config));
		const written = parse(readFileSync(example, 'utf8'));
		written.journal = shown.journal; // depends on the mode, and is commented out
		expect(namesOf(written)).toEqual(expect.arrayContaining(namesOf(shown)));
	});

	test('one machine keeps things in the folders of its user', () => {
		const { config } = loadConfig({ mode: 'standalone', paths });
		expect([config.journal.path, config.collector.coredumpPath, config.analyzer.scratchPath, config.storage.localPath]).toEqual([
			'/state/journal.db',
			'/cores',
			'/state/scratch',
			'/state/cores',
		]);
	});

	test('what the user wrote wins in every mode', async () => {
		for (const mode of ['node', 'standalone'] as const) {
			const { config } = await load('collector: { coredumpPath: /mine }\n', mode);
			expect(config.collector.coredumpPath).toBe('/mine');
			expect(config.collector.watchInterval).toBe(10_000);
		}
	});

	test('an empty file, a comment, and sections and keys with nothing behind them are as if they were not there', async () => {
		const { config } = loadConfig({ mode: 'node', paths });
		const empty = ['', '\n', '# nothing\n', '---\n', 'collector:\n', 'collector:\n  coredumpPath:\nstorage:\n', 'analyzer: {}\n'];
		for (const text of [...empty, 'analyzer:\n  aiAnalysis:\n', 'analyzer:\n  aiAnalysis:\n    model:\naiAnalysis:\n']) {
			expect([text, (await load(text)).config]).toEqual([text, config]);
		}
	});
});

describe('values', () => {
	test('durations become milliseconds, sizes bytes', async () => {
		const { config } = await load(
			'collector: { watchInterval: 500ms, maxFileAge: 7d, maxFileSize: 1.5 GiB }\nanalyzer: { scratchSize: 1000000, gdbTimeout: 2h }\n',
		);
		expect(config.collector).toMatchObject({ watchInterval: 500, maxFileAge: 604_800_000, maxFileSize: 1_610_612_736 });
		expect(config.analyzer).toMatchObject({ scratchSize: 1_000_000, gdbTimeout: 7_200_000 });
		expect((await load('collector: { maxFileSize: unlimited }')).config.collector.maxFileSize).toBe(Number.POSITIVE_INFINITY);
	});

	test('free space is a share, a size or a number of bytes', async () => {
		const floor = async (text: string) => (await load(`storage: { minFreeSpace: ${text} }`)).config.storage.minFreeSpace;
		expect(await floor('2.5%')).toEqual({ is: 'share', share: 0.025 });
		expect(await floor('20GB')).toEqual({ is: 'bytes', bytes: 20e9 });
		expect(await floor('1000000')).toEqual({ is: 'bytes', bytes: 1e6 });
	});

	test('anchors and merges are understood', async () => {
		const text = [
			'collector:',
			'  watchInterval: &often 7s',
			'analyzer:',
			'  gdbTimeout: *often',
			'monitor:',
			'  <<: { metricsPort: 1, healthPort: 2 }',
			'  healthPort: 3',
		];
		const { config } = await load(text.join('\n'));
		expect(config.analyzer.gdbTimeout).toBe(7_000);
		expect(config.monitor).toMatchObject({ metricsPort: 1, healthPort: 3 });
	});

	test('aiAnalysis is understood under analyzer as well', async () => {
		expect((await load('analyzer: { aiAnalysis: { maxTokens: 7 }, gdbTimeout: 1m }')).config).toMatchObject({
			aiAnalysis: { maxTokens: 7 },
			analyzer: { gdbTimeout: 60_000 },
		});
	});

	test('what is shown loads again as the same configuration', async () => {
		const { config } = await load('storage: { minFreeSpace: 7GB }\ncollector: { maxFileSize: 3MiB, maxFileAge: 90m }\n');
		expect((await load(shownConfig(config))).config).toEqual(config);
	});

	test('what is shown is how people write it', async () => {
		const shown = async (text: string) => parse(shownConfig((await load(text)).config));
		expect(await shown('collector: { watchInterval: 30000ms, maxFileAge: 48h }\nstorage: { minFreeSpace: 7% }')).toMatchObject({
			collector: { watchInterval: '30s', maxFileAge: '2d', maxFileSize: 'unlimited' },
			storage: { minFreeSpace: '7%', maxStorageSize: '50GB' },
		});
	});
});

describe('keys that have no effect in this version', () => {
	test('are named, when they say something else than the default', async () => {
		const text = ['storage:', '  retentionDays: 7', '  sampling: { full: 7 }', 'monitor:', '  alerting: { enabled: true }'];
		expect(await warningsOf(text.join('\n'))).toEqual(['5: monitor.alerting.enabled has no effect in this version']);
	});

	test('are passed over when they say the default, in whatever words', async () => {
		expect(await warningsOf('storage: { maxStorageSize: 50000MB, sampling: {} }\nmonitor: { alerting: { enabled: false } }\n')).toEqual([]);
	});
});

test('a price that is missing is named where money is limited, for a service that costs something', async () => {
	expect(await warningsOf('aiAnalysis:\n  enabled: true\n  provider: openai\n  model: gpt-5\n')).toEqual([
		'4: aiAnalysis.pricing has no price of gpt-5: it counts as free, and aiAnalysis.maxCostPerMonth does not hold it; set in and out',
	]);
	const local = 'aiAnalysis: { enabled: true, provider: openai-compatible, baseURL: "http://127.0.0.1:8000", model: qwen }';
	for (const fine of ['aiAnalysis: { enabled: true }', 'aiAnalysis: { enabled: true, enableCostControl: false, model: m }', local])
		expect(await warningsOf(fine)).toEqual([]);
});

test('enforcing is named where it removes nothing', async () => {
	expect(await warningsOf('cleaner:\n  mode: enforce\n  maxRestartCount: 3\n')).toEqual([
		'2: cleaner.mode is enforce, and cleaner.namespaces names none: no instance is removed; name those in which it may be',
	]);
	expect(await warningsOf('cleaner: { mode: enforce, namespaces: [milvus] }')).toEqual([]);
	expect(await warningsOf('cleaner: { namespaces: [milvus] }')).toEqual([]);
	expect(await warningsOf('cleaner:\n  enabled: false\n  mode: enforce\n  namespaces: [milvus]\n')).toEqual([
		'3: cleaner.mode is enforce, and cleaner.enabled is false: no instance is looked for, nor removed',
	]);
	expect(await warningsOf('discovery: { namespaces: [a] }\ncleaner:\n  mode: enforce\n  namespaces:\n    - a\n    - b\n')).toEqual([
		'6: cleaner.namespaces names b, at which discovery.namespaces does not look: no instance is removed there',
	]);
});

test('threads are named where the program for packing has only one', async () => {
	expect(await warningsOf('storage:\n  compression: gzip\n  compressionThreads: 2\n')).toEqual([
		'3: storage.compressionThreads has no effect with gzip, which has one',
	]);
	expect(await warningsOf('storage: { compressionThreads: 2 }')).toEqual([]);
});

function namesOf(value: unknown, path = ''): string[] {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
	return [path, ...Object.entries(value).flatMap(([name, inner]) => namesOf(inner, `${path}.${name}`))];
}
