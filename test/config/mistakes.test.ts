import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { temporaryFolder } from '../support/crash.ts';
import { exampleLines, mistakesIn, paths } from './load.ts';

test('unknown keys are told with the nearest known one or the sections where they belong', async () => {
	const text = [
		'collector:',
		'  coredumpPth: /x',
		'  retentionDays: 4',
		'  enabled: true',
		'monitr: {}',
		'analyzer:',
		'  aiAnalysi: {}',
		'  symbols:',
		'    path: []',
	];
	expect(await mistakesIn(text.join('\n'))).toEqual([
		'2: unknown key collector.coredumpPth; the nearest known one is coredumpPath',
		'3: unknown key collector.retentionDays; retentionDays belongs under storage or monitor.crashReports',
		'4: unknown key collector.enabled; enabled belongs under aiAnalysis or cleaner or monitor.alerting',
		'5: unknown key monitr; the nearest known one is monitor',
		'7: unknown key analyzer.aiAnalysi; the nearest known one is aiAnalysis',
		'9: unknown key analyzer.symbols.path; the nearest known one is paths',
	]);
});

test('wrong values are told with what is expected, all at once', async () => {
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
		'aiAnalysis: { baseURL: 7 }',
	];
	expect(await mistakesIn(text.join('\n'))).toEqual([
		'1: log.level is "loud"; expected debug or info or warn or error',
		'3: collector.watchInterval is 10; expected a duration such as 30s, 5m or 24h, from 1ms to 24d',
		'4: collector.maxFileSize is "big"; expected a size such as 2GB, 512MiB or unlimited',
		'5: collector.ignorePatterns is "core.*"; expected a list such as [a, b]',
		'7: analyzer.enableGdbAnalysis is "yes"; expected true or false',
		'8: analyzer.valueThreshold is 11; expected at most 10, such as 4',
		'10: storage.minFreeSpace is "120%"; expected a share such as 10%, or a size such as 20GB',
		'11: storage.compression is a list; expected zstd or gzip',
		'12: storage.localPath is an empty text; expected a text that is not empty, such as "/data/coredumps"',
		'13: monitor.metricsPort is 99999; expected at most 65535, such as 8080',
		'14: cleaner is a text; expected a section with keys',
		'15: discovery.namespaces is 5; expected all or a list such as [a, b]',
		'16: aiAnalysis.baseURL is 7; expected a text',
	]);
});

test('waiting times that a timer can not hold are refused, other durations may be long or nothing', async () => {
	for (const wrong of ['0s', '0.1ms', '30d', `${'9'.repeat(400)}h`]) {
		expect(await mistakesIn(`collector: { watchInterval: ${wrong} }`)).toHaveLength(1);
		expect(await mistakesIn(`analyzer: { gdbTimeout: ${wrong} }`)).toHaveLength(1);
	}
	expect(await mistakesIn('collector: { maxFileAge: 365d }\ncleaner: { cleanupDelay: 0s }')).toEqual([]);
	expect(await mistakesIn(`analyzer: { scratchSize: ${'9'.repeat(400)}GB }`)).toHaveLength(1);
});

test('the line is that of the mistake, in lists, aliases, merges and under analyzer too', async () => {
	const text = [
		'collector:',
		'  ignorePatterns:',
		'    - a',
		'    - 5',
		'log: &wrong',
		'  level: loud',
		'monitor:',
		'  <<: { metricsPort: 1,',
		'    healthPort: x }',
		'analyzer:',
		'  aiAnalysis:',
		'    maxTokens: x',
		'    mode: y',
		'journal: *wrong',
	];
	expect(await mistakesIn(text.join('\n'))).toEqual([
		'4: collector.ignorePatterns.1 is 5; expected a text',
		'6: log.level is "loud"; expected debug or info or warn or error',
		'6: unknown key journal.level; level belongs under log',
		'9: monitor.healthPort is "x"; expected a number, such as 8081',
		'12: aiAnalysis.maxTokens is "x"; expected a number, such as 2000',
		'13: unknown key aiAnalysis.mode; the nearest known one is model',
	]);
});

test('aiAnalysis in both places, a key twice, and a backend without what it must have', async () => {
	const text = ['aiAnalysis: { enabled: false }', 'analyzer:', '  aiAnalysis: {}', 'storage:', '  backend: nfs', '  backend: s3'];
	expect(await mistakesIn(text.join('\n'))).toEqual([
		'3: aiAnalysis is there twice, under analyzer and at the top level; keep one',
		'5: storage.backend is s3, and storage.s3.bucket is missing: name the bucket',
		'6: this key is there twice in its section; keep one',
	]);
});

test('what is no address of a debuginfod server is told with what is expected', async () => {
	const symbols = (value: string) => mistakesIn(`analyzer:\n  symbols: { debuginfod: ${value} }\n`);
	for (const value of ['off', '"off"', 'http://debuginfod:8002', 'https://user:pass@example.com/path/'])
		expect(await symbols(value)).toEqual([]);
	const expected = 'expected off or an address such as https://example.com';
	for (const [value, told] of [
		['debuginfod.example.com', '"debuginfod.example.com"'],
		['ftp://example.com', '"ftp://example.com"'],
		['"https://a b"', '"https://a b"'],
		['""', 'an empty text'],
	])
		expect(await symbols(value ?? '')).toEqual([`2: analyzer.symbols.debuginfod is ${told}; ${expected}`]);
	expect(await symbols('[https://example.com]')).toEqual(['2: analyzer.symbols.debuginfod is a list; expected off or a text']);
});

test('backend nfs needs a path', async () => {
	const backend = 'storage:\n  backend: nfs\n';
	expect(await mistakesIn(backend)).toEqual([
		'2: storage.backend is nfs; set storage.nfs.path to the directory where the share is mounted',
	]);
	expect(await mistakesIn(`${backend}  nfs: { path: /mnt/cores }\n`)).toEqual([]);
});

test('files that are not YAML, or hold something else, are told with the line', async () => {
	const cases: readonly [string, RegExp][] = [
		['log:\n\tlevel: info\n', /^2: not YAML, at column 1: YAML is indented with spaces, not with tabs$/],
		['log: { level: info\n', /^2: not YAML, at column 1: /],
		['- a\n- b\n', /^1: expected sections with keys, such as "collector:"$/],
		['\njust text\n', /^2: expected sections with keys, such as "collector:"$/],
		['log: {}\n---\nlog: {}\n', /^2: here begins a second YAML document; keep one of the 2$/],
		['log: {}\nlevel: *nowhere\n', /^2: an alias \(\*name\) without an anchor/],
		['collector:\n  ignorePatterns: &a [*a]\n', /^2: an alias \(\*name\) that is part of what it stands for$/],
		['log: &l\n  <<: *l\n', /^2: an alias \(\*name\) that is part of what it stands for$/],
		['log:\n  <<: 5\n', /^2: << expects an alias \(\*name\) of a section$/],
		[`log: ${'['.repeat(5_000)}`, /^1: not YAML/],
	];
	for (const [text, line] of cases) expect(await mistakesIn(text)).toEqual([expect.stringMatching(line)]);
});

test('aliases that would grow without end are refused', async () => {
	const grown = (open: string, entry: (index: number) => string, close: string) =>
		[...'abcdefgh'].map((name, at, names) => {
			const inner = (index: number) => entry(index) + (at === 0 ? '1' : `*${names[at - 1]}`);
			return `${name}: &${name} ${open}${Array.from({ length: 10 }, (_, index) => inner(index)).join(', ')}${close}`;
		});
	for (const bomb of [grown('[', () => '', ']'), grown('{', (index) => `k${index}: `, '}')])
		expect(await mistakesIn(bomb.join('\n'))).toEqual(['1: too many aliases (*name); write their values out']);
});

test('a message is one line, whatever is in the file', async () => {
	const strange = ['log: { level: "\\e[31m\\u202e" }', 'collector: { "a\\nb": 1 }', 'aiAnalysis: { pricing: { "a\\nb": 5 } }'];
	const found = await mistakesIn([...strange, `analyzer: { gdbTimeout: ${'x'.repeat(5_000)} }`].join('\n'));
	expect(found).toHaveLength(4);
	for (const line of found) expect(line).toMatch(/^\d: \P{C}{1,200}$/u);
});

test('files that can not be read are told why', async () => {
	await using folder = await temporaryFolder();
	mkdirSync(join(folder.path, 'd'));
	expect(() => loadConfig({ file: join(folder.path, 'nothing'), mode: 'node', paths })).toThrow(/nothing: there is no such file$/);
	expect(() => loadConfig({ file: join(folder.path, 'd'), mode: 'node', paths })).toThrow(/d: is a directory$/);
});

test('every key of the example, misspelt by a letter, is found with its line and its right name', async () => {
	let tried = 0;
	for (const [index, line] of exampleLines.entries()) {
		const [, indent = '', name] = /^( *)([A-Za-z0-9]+):/.exec(line) ?? [];
		if (name === undefined) continue;
		const wrong = `${name.slice(0, -1)}${name.at(-1) === 'x' ? 'y' : 'x'}`;
		const found = await mistakesIn(exampleLines.with(index, line.replace(`${indent}${name}:`, `${indent}${wrong}:`)).join('\n'));
		expect(found.find((message) => message.startsWith(`${index + 1}: unknown key`))).toContain(name);
		tried++;
	}
	expect(tried).toBe(81);
});

test('every value of the example, made something else, loads or is found with its line', async () => {
	const others = ['[[1]]', '{ a: 1 }', '{}', '""', 'x', '-1', '1.5', '.nan', 'true', '2020-01-01', '!!binary aGk=', '[x, [y]]', '[~]'];
	const refused = new Map<string, number>();
	let tried = 0;
	for (const [index, line] of exampleLines.entries()) {
		const [, key, value] = /^( *[A-Za-z0-9]+:) +([^#&]+?) *(?:#.*)?$/.exec(line) ?? [];
		if (key === undefined || value === undefined) continue;
		tried++;
		for (const other of others) {
			const found = await mistakesIn(exampleLines.with(index, `${key} ${other}`).join('\n'));
			for (const message of found) expect(message).toMatch(new RegExp(`^${index + 1}: (.* is .*; expected .*|unknown key .*)$`));
			if (found.length > 0) refused.set(other, (refused.get(other) ?? 0) + 1);
		}
	}
	expect(refused.get('[[1]]')).toBe(tried);
	expect(refused.keys().toArray().toSorted()).toEqual(others.toSorted());
});

test('a model that is nowhere, and a key that is there twice, are refused', async () => {
	expect(await mistakesIn('aiAnalysis:\n  enabled: true\n  provider: openai-compatible\n')).toEqual([
		'3: aiAnalysis.provider is openai-compatible, and aiAnalysis.baseURL is missing: say where the service is',
	]);
	expect(await mistakesIn('aiAnalysis:\n  apiKey: k\n  apiKeyFile: /key\n')).toEqual([
		'3: aiAnalysis.apiKey is there twice, itself and as a file; keep one',
	]);
});

test('backend s3 without a bucket, or with half a key, is refused', async () => {
	expect(await mistakesIn('storage:\n  backend: s3\n')).toEqual([
		'2: storage.backend is s3, and storage.s3.bucket is missing: name the bucket',
	]);
	const s3 = (keys: string) => mistakesIn(`storage:\n  backend: s3\n  s3: { bucket: b, ${keys} }\n`);
	expect(await s3('accessKeyFile: /a')).toEqual([
		'3: storage.s3.accessKey is there without secretKey; give both (or their files), or none',
	]);
	expect(await s3('secretKey: s')).toEqual(['3: storage.s3.secretKey is there without accessKey; give both (or their files), or none']);
	expect(await s3('accessKey: k, accessKeyFile: /a, secretKeyFile: /s')).toEqual([
		'3: storage.s3.accessKey is there twice, itself and as a file; keep one',
	]);
	expect(await s3('accessKeyFile: /a, secretKey: s')).toEqual([]);
	expect(await mistakesIn('storage: { s3: { accessKey: k } }')).toEqual([]);
});

test('a level that the program for packing does not have is refused', async () => {
	const storage = (keys: string) => mistakesIn(`storage:\n  compression: gzip\n  ${keys}\n`);
	expect(await storage('compressionLevel: 9')).toEqual([]);
	expect(await storage('compressionLevel: 10')).toEqual([
		'3: storage.compressionLevel is 10; expected at most 9, as storage.compression is gzip',
	]);
	expect(await mistakesIn('storage: { compressionLevel: 19, compressionThreads: 4 }')).toEqual([]);
	expect(await mistakesIn('storage:\n  compressionLevel: 20\n  compressionThreads: 5\n')).toEqual([
		'2: storage.compressionLevel is 20; expected at most 19, such as 1',
		'3: storage.compressionThreads is 5; expected at most 4, such as 1',
	]);
	expect(await mistakesIn('storage:\n  compressionLevel: 0\n  compressionThreads: 1.5\n')).toEqual([
		'2: storage.compressionLevel is 0; expected at least 1, such as 1',
		'3: storage.compressionThreads is 1.5; expected a whole number, such as 1',
	]);
});

test('what is no name of a namespace is refused where instances may be removed', async () => {
	expect(await mistakesIn('cleaner:\n  namespaces: ["*", milvus, Milvus]\n')).toEqual([
		'2: cleaner.namespaces.0 is "*"; expected the name of a namespace, such as milvus',
		'2: cleaner.namespaces.2 is "Milvus"; expected the name of a namespace, such as milvus',
	]);
	expect(await mistakesIn('cleaner: { namespaces: all }')).toHaveLength(1);
});

test('one port for metrics and health is refused, unless only one of them is served', async () => {
	const refusal = (line: number, port: number) =>
		`${line}: monitor.healthPort is ${port}, as monitor.metricsPort is; give each a port of its own, or 0`;
	expect(await mistakesIn('monitor:\n  metricsPort: 9000\n  healthPort: 9000\n')).toEqual([refusal(3, 9000)]);
	expect(await mistakesIn('monitor:\n  metricsPort: 8081\n')).toEqual([refusal(1, 8081)]);
	expect(await mistakesIn('monitor: { metricsPort: 0, healthPort: 0 }')).toEqual([]);
	expect(await mistakesIn('monitor: { metricsPort: 9000, healthPort: 9000, prometheusEnabled: false }')).toEqual([]);
});
