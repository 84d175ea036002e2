import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { demangle } from '../../src/drivers/demangle/demangle.ts';
import { run } from '../../src/drivers/process/process.ts';
import { temporaryFolder } from '../support/crash.ts';

const path = process.env.PATH;
afterEach(() => {
	process.env.PATH = path;
});

test('names of C++ and Rust are demangled, by the name as it was given; others are not in the answer', async () => {
	const known: readonly (readonly [name: string, demangled: string])[] = [
		['_ZNK6milvus19CollectionIndexMeta19GetIndexMaxRowCountEv', 'milvus::CollectionIndexMeta::GetIndexMaxRowCount() const'],
		['_ZN6milvus9SkipIndexD4Ev', 'milvus::SkipIndex::~SkipIndex()'],
		['_ZNSt6vectorIiSaIiEE9push_backERKi@@GLIBCXX_3.4', 'std::vector<int, std::allocator<int> >::push_back(int const&)'],
		['_ZN5faiss5trainEv.cold', 'faiss::train() [clone .cold]'],
		['_RNvCs1234_7tantivy6search', 'tantivy[3c1c0]::search'],
		['_ZN7tantivy6search17h0123456789abcdefE', 'tantivy::search::h0123456789abcdef'],
		// macOS
		['__ZN5faiss12getmillisecsEv', 'faiss::getmillisecs()'],
		['___ZN5faiss5trainEv_block_invoke_2', 'faiss::train()'],
	];
	const others = ['abort', 'main.main', 'milvus::segcore::Search', '_ZN6milvus7segcore24Segm', '_Z', '_Zebra', '_R', '_RUN', '', '__Z_'];
	const answers = await demangle([...known.map(([name]) => name), ...others]);
	expect([...answers]).toEqual(known);
});

test('a name is asked for once, however often it comes and whatever version it has', async () => {
	await using folder = await temporaryFolder();
	const log = join(folder.path, 'log');
	writeFileSync(join(folder.path, 'c++filt'), `#!/bin/sh\ntee -a ${log}\n`);
	chmodSync(join(folder.path, 'c++filt'), 0o755);
	process.env.PATH = `${folder.path}:${path}`;
	expect(await demangle(['_Z1fv', 'abort', '_Z1gv', '_Z1fv', '_Z1fv@@V_1'])).toEqual(new Map());
	expect((await run('cat', [log], { timeoutMs: 5000, maxOutputBytes: 1000 })).stdout.split('\n')).toEqual(['_Z1fv;', '_Z1gv;']);
});

/** Each parameter is a pair of the one before: the name grows by a few characters, what it stands for doubles. */
function doubling(times: number): string {
	const substitution = (index: number) => (index === 0 ? 'S_' : `S${(index - 1).toString(36).toUpperCase()}_`);
	return `_Z1f1AIiiE${Array.from({ length: times }, (_, index) => `S_I${substitution(index + 1)}${substitution(index + 1)}E`).join('')}`;
}

test('a hostile name stays mangled, and costs the others nothing', async () => {
	const hostile = [
		doubling(40),
		doubling(18), // there is an answer, but of megabytes
		`_Z1f${'P'.repeat(16_000)}i`,
		`_Z1f${'N'.repeat(16_000)}`,
		`_Z${'1'.repeat(1_000_000)}`,
		'_Z1fv\n_Z1gv',
		'_Z1fv;',
		'_Z1fv\0',
		'_Z1fv -n',
	];
	const answers = await demangle(hostile.flatMap((name, index) => [name, `_ZN2ns2f${index}Ev`]));
	for (const index of hostile.keys()) expect(answers.get(`_ZN2ns2f${index}Ev`)).toBe(`ns::f${index}()`);
	for (const name of hostile) expect(answers.get(name)?.length ?? 0).toBeLessThanOrEqual(65_536);
	expect(answers.get(doubling(40))).toBeUndefined();
}, 40_000);

test('where the program is missing or fails, names stay as they are', async () => {
	await using folder = await temporaryFolder();
	process.env.PATH = folder.path;
	expect(await demangle(['_Z1fv'])).toEqual(new Map());
	process.env.PATH = `${folder.path}:${path}`;
	writeFileSync(join(folder.path, 'c++filt'), '#!/bin/sh\nexit 1\n');
	chmodSync(join(folder.path, 'c++filt'), 0o755);
	expect(await demangle(['_Z1fv', '_Z1gv'])).toEqual(new Map());
});

test('only an aborted signal is thrown', async () => {
	await expect(demangle(['_Z1fv'], AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
	expect(await demangle([])).toEqual(new Map());
});
