import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ConfigError, type Loaded, loadConfig, shownConfig } from '../../src/config/config.ts';
import { root, temporaryFolder } from '../support/crash.ts';

const example = join(root, 'configs/config.yaml');
const paths = { stateHome: '/state', corePatternDirectory: '/cores' };

async function load(text: string, mode: 'node' | 'standalone' = 'node'): Promise<Loaded> {
	await using folder = await temporaryFolder();
	const file = join(folder.path, 'config.yaml');
	writeFileSync(file, text);
	return loadConfig({ file, mode, paths });
}

/** The lines of the error, without the path of the file. */
async function mistakes(text: string): Promise<readonly string[]> {
	const error = await load(text).catch((thrown: unknown) => thrown);
	expect(error).toBeInstanceOf(ConfigError);
	return (error as ConfigError).message.split('\n').map((line) => line.replace(/^.*config\.yaml:/, ''));
}

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
		for (const text of ['', '\n', '# nothing\n', '---\n', 'collector:\n', 'collector:\n  coredumpPath:\nstorage:\n', 'analyzer: {}\n']) {
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
	});

	test('free space is a share or a size', async () => {
		expect((await load('storage: { minFreeSpace: 2.5% }')).config.storage.minFreeSpace).toEqual({ is: 'share', share: 0.025 });
		expect((await load('storage: { minFreeSpace: 20GB }')).config.storage.minFreeSpace).toEqual({ is: 'bytes', bytes: 20e9 });
	});

	test('anchors are understood', async () => {
		const { config } = await load(
			'x: &x { level: debug }\nlog:\n  <<: *x\n'
				.replace('x: &x { level: debug }\n', 'log: &l { level: debug }\n')
				.replace('log:\n  <<: *x\n', ''),
		);
		expect(config.log.level).toBe('debug');
	});

	test('aiAnalysis is understood under analyzer as well, but not in both places', async () => {
		expect((await load('analyzer: { aiAnalysis: { maxTokens: 7 }, gdbTimeout: 1m }')).config).toMatchObject({
			aiAnalysis: { maxTokens: 7 },
			analyzer: { gdbTimeout: 60_000 },
		});
		expect(await mistakes('aiAnalysis: { enabled: false }\nanalyzer:\n  aiAnalysis: { enabled: false }\n')).toEqual([
			'3: aiAnalysis is there twice, under analyzer and at the top level; keep one',
		]);
	});

	test('what is shown loads again as the same configuration', async () => {
		const { config } = await load('storage: { minFreeSpace: 7GB }\ncollector: { maxFileSize: 3MiB, maxFileAge: 90m }\n');
		expect((await load(shownConfig(config))).config).toEqual(config);
	});
});

describe('mistakes are told with their line, all at once', () => {
	test('unknown keys, with the nearest known one or the section where it belongs', async () => {
		expect(await mistakes('collector:\n  coredumpPth: /x\n  retentionDays: 4\nmonitr: {}\nanalyzer:\n  symbols:\n    path: []\n')).toEqual([
			'2: unknown key collector.coredumpPth; the nearest known one is coredumpPath',
			'3: unknown key collector.retentionDays; retentionDays belongs under storage',
			'4: unknown key monitr; the nearest known one is monitor',
			'7: unknown key analyzer.symbols.path; the nearest known one is paths',
		]);
	});

	test('wrong values, with what is expected', async () => {
		const text = [
			'log: { level: loud }',
			'collector:',
			'  watchInterval: 10',
			'  maxFileSize: big',
			'  ignorePatterns: core.*',
			'analyzer:',
			'  enableGdbAnalysis: "yes"',
			'  valueThreshold: 11',
			'storage:',
			'  minFreeSpace: 120%',
			'  compression: [zstd]',
			'  localPath: ""',
			'monitor: { metricsPort: 99999 }',
			'cleaner: enforce',
			'discovery: { namespaces: 5 }',
		].join('\n');
		expect(await mistakes(text)).toEqual([
			'1: log.level is "loud"; expected debug or info or warn or error, such as "info"',
			'3: collector.watchInterval is 10; expected a duration such as 30s, 5m or 24h',
			'4: collector.maxFileSize is "big"; expected a size such as 2GB, 512MiB or unlimited',
			'5: collector.ignorePatterns is "core.*"; expected a list, such as []',
			'7: analyzer.enableGdbAnalysis is "yes"; expected true or false, such as true',
			'8: analyzer.valueThreshold is 11; expected at most 10, such as 4',
			'10: storage.minFreeSpace is "120%"; expected a share such as 10%, or a size such as 20GB',
			'11: storage.compression is ["zstd"]; expected zstd or gzip, such as "zstd"',
			'12: storage.localPath is ""; expected a text that is not empty, such as "/data/coredumps"',
			'13: monitor.metricsPort is 99999; expected at most 65535, such as 8080',
			'14: cleaner is "enforce"; expected a section with keys',
			'15: discovery.namespaces is 5; expected all or a list, such as "all"',
		]);
	});

	test('a backend that this version does not have', async () => {
		expect(await mistakes('storage:\n  backend: s3\n')).toEqual([
			'2: storage.backend is s3; this version stores to a local directory only: set it to local',
		]);
	});

	test('files that are not YAML, or hold something else', async () => {
		expect(await mistakes('a:\n\tb: 1\n')).toEqual(['2: not YAML, at column 1: YAML is indented with spaces, not with tabs']);
		expect(await mistakes('log: { level: info\n')).toEqual([expect.stringMatching(/^2: not YAML, at column 1: /)]);
		expect(await mistakes('log: {}\nlog: {}\n')).toEqual([expect.stringMatching(/^2: not YAML, at column 1: Map keys must be unique/)]);
		expect(await mistakes('- a\n- b\n')).toEqual(['1: expected sections with keys, such as "collector:"']);
		expect(await mistakes('just text\n')).toEqual(['1: expected sections with keys, such as "collector:"']);
		expect(await mistakes('log: {}\n---\nlog: {}\n')).toEqual([expect.stringMatching(/holds 2 YAML documents; expected one$/)]);
		const bomb = [
			'a: &a [1,1,1,1,1,1,1,1,1,1]',
			...'bcdefgh'.split('').map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefg'[index]}`).join(',')}]`),
		].join('\n');
		expect(await mistakes(bomb)).toEqual([expect.stringMatching(/Excessive alias count/)]);
	});

	test('files that can not be read', async () => {
		await using folder = await temporaryFolder();
		mkdirSync(join(folder.path, 'd'));
		expect(() => loadConfig({ file: join(folder.path, 'nothing'), mode: 'node', paths })).toThrow(/nothing: there is no such file$/);
		expect(() => loadConfig({ file: join(folder.path, 'd'), mode: 'node', paths })).toThrow(/d: is a directory$/);
	});

	test('every key of the example, misspelt by a letter, is found with its line and its right name', async () => {
		const lines = readFileSync(example, 'utf8').split('\n');
		let tried = 0;
		for (const [index, line] of lines.entries()) {
			const [, indent = '', name] = /^( *)([A-Za-z0-9]+):/.exec(line) ?? [];
			if (name === undefined || name === 'glm') continue;
			const wrong = `${name.slice(0, -1)}${name.at(-1) === 'x' ? 'y' : 'x'}`;
			const text = lines.with(index, line.replace(`${indent}${name}:`, `${indent}${wrong}:`)).join('\n');
			const found = await mistakes(text);
			expect(found.find((message) => message.startsWith(`${index + 1}: unknown key`))).toContain(name);
			tried++;
		}
		expect(tried).toBe(71);
	});

	test('every value of the example, made a list of lists, is found with its line', async () => {
		const lines = readFileSync(example, 'utf8').split('\n');
		for (const [index, line] of lines.entries()) {
			const [, key, value] = /^( *[A-Za-z0-9]+:) +([^#&]+?) *(?:#.*)?$/.exec(line) ?? [];
			if (key === undefined || value === undefined) continue;
			const found = await mistakes(lines.with(index, `${key} [[1]]`).join('\n'));
			expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${index + 1}: .*expected`)));
		}
	});
});

describe('what works, but not as its writer may think', () => {
	test('keys that have no effect in this version are named, when they say something else than the default', async () => {
		const { warnings } = await load(
			'storage:\n  retentionDays: 7\n  maxStorageSize: 50GB\ncleaner:\n  mode: enforce\ncollector:\n  correlationTimeout: 1m\n',
		);
		expect(warnings.map((line) => line.replace(/^.*config\.yaml:/, ''))).toEqual([
			'2: storage.retentionDays has no effect in this version',
			'5: cleaner.mode has no effect in this version',
			'7: collector.correlationTimeout has no effect in this version',
		]);
	});

	test('secrets in the file are warned of, and shown nowhere', async () => {
		const secret = 'sk-0123456789';
		const keys = [
			'aiAnalysis: { apiKey: S }',
			'storage: { s3: { accessKey: S, secretKey: S } }',
			`monitor: { alerting: { webhookUrl: "https://example.com/S" } }`,
		];
		const { config, warnings } = await load(keys.join('\n').replaceAll('S', secret));
		expect(warnings.filter((line) => line.includes('better keep it in the environment'))).toHaveLength(4);
		expect(shownConfig(config).match(/\*{8}/g)).toHaveLength(4);
		expect(shownConfig(config) + warnings.join()).not.toContain(secret);
		const wrong = await mistakes(
			`aiAnalysis: { apiKey: [${secret}] }\nmonitor: { alerting: { webhookUrl: ${secret} } }\nstorage: { s3: { secretKey: { a: ${secret} } } }\n`,
		);
		expect(wrong).toHaveLength(3);
		expect(wrong.join()).not.toContain(secret);
	});
});

function namesOf(value: unknown, path = ''): string[] {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
	return [path, ...Object.entries(value).flatMap(([name, inner]) => namesOf(inner, `${path}.${name}`))];
}
