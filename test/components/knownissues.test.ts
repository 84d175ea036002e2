import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
	type CrashTraits,
	type KnownIssueEntry,
	loadKnownIssues,
	matchKnownIssues,
	originOf,
} from '../../src/components/analyzer/knownissues/knownissues.ts';
import { isMeant } from '../../src/components/analyzer/knownissues/pattern.ts';
import { hasRelease } from '../../src/components/analyzer/knownissues/release.ts';
import { ConfigError } from '../../src/config/config.ts';
import { exec, root, temporaryFolder } from '../support/crash.ts';

const base = loadKnownIssues([]);
const milvus = 'github.com/milvus-io/milvus';

const crash = (traits: Partial<CrashTraits>): CrashTraits => ({ culprit: [], next: [], texts: [], kind: 'unknown', ...traits });
const at = (name: string, traits: Partial<CrashTraits> = {}) => crash({ culprit: [name], kind: 'fault', ...traits });
const saying = (text: string, traits: Partial<CrashTraits> = {}) => crash({ texts: [text], ...traits });
const found = (traits: CrashTraits, issues = base) => matchKnownIssues(issues, traits).map(({ id, match }) => `${id} ${match}`);

describe('the built-in knowledge base', () => {
	/** Crashes as they were reported, and all that is known of them: nothing else may match. */
	const reported: readonly (readonly [CrashTraits, ...string[]])[] = [
		[
			crash({ culprit: ['simdjson::haswell::copy_and_find', '_mm256_loadu_si256'], texts: ['SIGBUS: access to 0x7000 in a mapped file'] }),
			'json-mmap-sigbus 1',
		],
		[crash({ culprit: ['parse_string'], texts: ['SIGNAME: Bus error'] }), 'json-mmap-sigbus 1'],
		[at('milvus::SkipIndex::~SkipIndex'), 'skipindex-segv 1'],
		[at('milvus::SkipIndex::MinMaxBinaryFilter'), 'skipindex-segv 1'],
		[
			at('milvus::exec::SegmentExpr::ProcessDataChunks', { next: ['milvus::exec::PhyUnaryRangeFilterExpr::ExecRangeVisitorImplForData'] }),
			'skipindex-segv 1',
		],
		[saying('Error in GetObjectSize[errcode:503, exception:SlowDown]', { kind: 'exception' }), 'remote-read-noexcept 0.4'],
		[at('milvus::query::SearchOnSealedIndex'), 'sealed-search-segv-2.3 1'],
		[
			at('knowhere::IvfIndexNode::Deserialize', { next: ['knowhere::Index::Deserialize', 'milvus::index::VectorMemIndex::Load'] }),
			'ivf-deserialize 1',
		],
		[
			at('milvus::segcore::storagev1translator::SealedIndexTranslator::get_cells', { texts: ['AddressSanitizer: heap-buffer-overflow'] }),
			'sealedindex-dangling-trace 1',
		],
		[at('SealedIndexTranslator::get_cells', { texts: ['SIGSEGV: access to 0x0 through a null pointer'] }), 'sealedindex-load-null 1'],
		[
			at('milvus::segcore::ChunkedSegmentSealedImpl::bulk_subscript', {
				next: ['milvus::segcore::SegmentInternalInterface::FillTargetEntry'],
			}),
			'bulk-subscript-retrieve 1',
		],
		[at(`${milvus}/internal/storagev2/packed.(*PackedWriter).WriteRecordBatch`), 'arrow-second-jemalloc 1'],
		[saying('AddressSanitizer: attempting free on address which was not malloc()-ed'), 'arrow-second-jemalloc 0.4'],
		[at('Azure::Storage::Blobs::_detail::BlobContainerClient::ListBlobsByHierarchy'), 'azure-sdk-abi 1'],
		[at('faiss::fvec_L2sqr_ny_nearest'), 'fvec-ny-nearest-avx 1'],
		[at('milvus::segcore::ChunkedSegmentSealedImpl::search_pk'), 'chunk-row-iterate 1'],
		[at('std::_Hashtable::~_Hashtable'), 'unordered-map-destruct 1'],
		[at('std::default_delete::operator()'), 'unordered-map-destruct 1'],
		[at('milvus::storage::LocalChunkManager::RemoveDir', { kind: 'exception' }), 'removedir-not-empty 1'],
		[saying('=> remove local directory:/var/lib/milvus/data/cache/30/local_chunk/index_files/'), 'removedir-not-empty 0.4'],
		[saying('milvus::SegcoreError LocalChunkManager.cpp:237'), 'removedir-not-empty 0.4'],
		[
			at('milvus::exec::PhyJsonContainsFilterExpr::EvalJsonContainsForDataSegment', {
				next: ['milvus::exec::PhyJsonContainsFilterExpr::Eval'],
			}),
			'json-contains-val-case 1',
		],
		[at('milvus::exec::PhyRescoresNode::GetOutput'), 'rescores-node 1'],
		[
			at('milvus::GroupChunk::GetChunk', {
				next: ['milvus::ProxyChunkColumn::BulkVectorValueAt', 'milvus::segcore::ChunkedSegmentSealedImpl::get_raw_data'],
			}),
			'groupchunk-getchunk 1',
		],
		[at('milvus::ChunkedColumnGroup::GetGroupChunk', { next: ['milvus::ProxyChunkColumn::StringViews'] }), 'cellaccessor-query-iterator 1'],
		[at('knowhere::create_conditional_hnsw_wrapper'), 'hnsw-pq-null-storage 1'],
		[at('milvus::exec::PhyBinaryArithOpEvalRangeExpr::ExecRangeVisitorImplForData', { exitCode: 136 }), 'filter-div-zero 1'],
		[saying('SIGFPE: integer division by zero', { kind: 'fault', exitCode: 136 })], // any division by zero
		[at('diskann::generate_pq_pivots', { texts: ['SIGFPE: integer division by zero'], component: 'indexnode' }), 'diskann-dim1-fpe 1'],
		[
			crash({
				culprit: [`${milvus}/internal/streamingcoord/server/broadcaster.(*broadcastTask).ack`],
				texts: ['close of closed channel'],
				kind: 'go panic',
			}),
			'broadcast-ack-double-close 1',
		],
		[
			saying('fatal error: concurrent map writes', { kind: 'go fatal error', component: 'standalone' }),
			'indexcoord-map-writes 0.4',
			'concurrent-map-2.4 0.4',
		],
		[saying('concurrent map iteration and map write', { kind: 'go fatal error', component: 'querynode' }), 'concurrent-map-2.4 0.4'],
		[saying('saveBinlogPaths failed: channel not found', { kind: 'go panic' }), 'savebinlog-channel-not-found 0.4'],
		[
			crash({ culprit: [`${milvus}/internal/querynode.(*tSafe).set`], texts: ['send on closed channel'], kind: 'go panic' }),
			'tsafe-closed-channel 1',
		],
		[at(`${milvus}/internal/proxy.validateGeometryFieldSearchResult`, { kind: 'go panic' }), 'geometry-validate 1'],
		[at('github.com/apache/arrow/go/parquet/pqarrow.writeDenseArrow', { kind: 'go panic' }), 'arrow-go-2gib 1'],
		[saying('runtime error: slice bounds out of range [:-2147483640]', { kind: 'go panic' }), 'arrow-go-2gib 0.4'],
		[
			at(`${milvus}/internal/streamingnode/server/flusher/flusherimpl.(*versionedSchemaManager).GetSchema`, {
				texts: ['critical error: schema not found, vchannel: by-dev-rootcoord-dml_2_4596v0, timetick: 4312'],
				kind: 'go panic',
			}),
			'wal-replay-loop 1',
		],
		[saying('critical error: vchannel not found', { kind: 'go panic' }), 'wal-replay-loop 0.4'],
		[saying('wal term already set', { kind: 'go panic' }), 'wal-term-set 0.4'],
		[saying('assertion failed: tantivy_index_exist(path)', { kind: 'rust panic' }), 'tantivy-index-exist 0.4'],
		[at(`${milvus}/pkg/util/etcd.InitEtcdServer.func`, { kind: 'go panic' }), 'embedded-etcd-start 1'],
		[at(`${milvus}/pkg/util/etcd.InitEtcdServer`, { kind: 'go panic' }), 'embedded-etcd-start 1'],
		[saying('IO error: While lock file: /var/lib/milvus/rdb_data_meta_kv/LOCK', { exitCode: 1 }), 'rocksmq-lock 0.4'],
		[at('github.com/tecbot/gorocksdb._Cfunc_rocksdb_get'), 'rocksdb-get-start 1'],
		[saying('etcdserver: requested lease not found', { kind: 'deliberate exit', exitCode: 80 }), 'etcd-lease 0.4'],
		[saying('disconnected from etcd and exited', { kind: 'deliberate exit' }), 'etcd-lease 0.4'],
		[saying('All attempts results:\nattempt #1:rootcoord is not ready', { kind: 'go panic' }), 'no-rootcoord 0.4'],
		[saying('SIGILL: illegal instruction', { kind: 'fault', exitCode: 132 }), 'cpu-too-old 0.4'],
		[saying('etcdserver: too many operations in txn request'), 'etcd-txn-too-many 0.4'],
		[saying('OOMKilled', { kind: 'killed', exitCode: 137 }), 'out-of-memory 0.4'],
	];

	test('finds in each reported crash what it is, and nothing else', () => {
		for (const [traits, ...expected] of reported) expect([traits, found(traits)]).toEqual([traits, expected]);
		const covered = new Set(reported.flatMap(([, ...expected]) => expected.map((line) => line.split(' ')[0])));
		expect(base.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
	});

	test('finds nothing in other crashes', () => {
		const others = [
			at('milvus::CollectionIndexMeta::GetIndexMaxRowCount', { texts: ['SIGSEGV: access to 0x0 through a null pointer'] }),
			at('faiss::IndexIVFFlat::get_InvertedListScanner'),
			at(`${milvus}/internal/util/flowgraph.(*nodeCtx).Close`, { texts: ['close of closed channel'], kind: 'go panic' }),
			at('parse_string', { texts: ['SIGSEGV: access to 0x10 through a null pointer'] }),
			saying('double free or corruption (!prev)', { kind: 'heap corruption' }),
			crash({ kind: 'killed', exitCode: 137 }),
			crash({ kind: 'deliberate exit', exitCode: 80 }),
		];
		for (const traits of others) expect([traits, found(traits)]).toEqual([traits, []]);
	});

	test('no frame of an entry is by accident one of another', () => {
		const shared = new Set(['sealedindex-dangling-trace', 'sealedindex-load-null']);
		const memberOf = (pattern: string) => pattern.replace(/\*$/, 'member');
		const claims = base.flatMap(({ id, match }) => (match.frames ?? []).map((frame) => ({ id, name: memberOf(frame) })));
		const strangers = claims.flatMap(({ id, name }) =>
			base
				.filter((other) => other.id !== id && other.match.frames?.some((pattern) => isMeant(pattern, name)))
				.map((other) => [id, other.id]),
		);
		expect(strangers.filter((pair) => !pair.every((id) => shared.has(id)))).toEqual([]);
	});

	test('says in one sentence each what happens and what to do, and where to read on', () => {
		expect(base.length).toBeGreaterThanOrEqual(37);
		for (const { id, symptom, advice, issues } of base) {
			expect([id, symptom]).toEqual([id, expect.stringMatching(/^[A-Z].{10,200}[^.]\.$/)]);
			expect([id, advice]).toEqual([id, expect.stringMatching(/^[A-Z].{10,200}[^.]\.$/)]);
			expect([id, issues.length]).not.toEqual([id, 0]);
		}
	});

	test('never speaks for removing an instance whose trouble is outside of it', () => {
		const effects = Object.groupBy(base, ({ cleanup }) => cleanup);
		const ids = (entries: readonly KnownIssueEntry[] | undefined) => entries?.map(({ id }) => id);
		expect(ids(effects.never)).toEqual(['rocksmq-lock', 'etcd-lease', 'no-rootcoord', 'cpu-too-old', 'out-of-memory']);
		expect(effects.supports?.every(({ cause }) => cause !== 'environment' && cause !== 'dependency')).toBe(true);
	});
});

describe('matching', () => {
	const entry = (id: string, more: Partial<KnownIssueEntry>): KnownIssueEntry => ({
		...(base[0] as KnownIssueEntry),
		requireAll: false,
		id,
		match: { frames: ['a::f'], text: ['Boom'] },
		...more,
	});
	const matchOf = (more: Partial<KnownIssueEntry>, traits: Partial<CrashTraits>) =>
		matchKnownIssues([entry('one', more)], crash(traits))[0]?.match ?? 0;

	test('counts the culprit, the two frames behind it, and words, and takes the best of them', () => {
		const cases: readonly [Partial<CrashTraits>, number][] = [
			[{ culprit: ['a::f'] }, 1],
			[{ culprit: ['x', 'a::f'], next: ['a::f'], texts: ['boom'] }, 1],
			[{ culprit: ['x'], next: ['a::f'] }, 0.6],
			[{ culprit: ['x'], next: ['y', 'a::f'], texts: ['boom'] }, 0.6],
			[{ culprit: ['x'], next: ['y', 'z', 'a::f'] }, 0],
			[{ texts: ['nothing', 'KABOOM!'] }, 0.4],
			[{ texts: ['bo', 'om'] }, 0],
			[{}, 0],
		];
		for (const [traits, expected] of cases) expect([traits, matchOf({}, traits)]).toEqual([traits, expected]);
	});

	test('asks for frames and text where all is required', () => {
		const all = { requireAll: true };
		expect(matchOf(all, { culprit: ['a::f'] })).toBe(0);
		expect(matchOf(all, { texts: ['boom'] })).toBe(0);
		expect(matchOf(all, { culprit: ['a::f'], texts: ['boom'] })).toBe(1);
		expect(matchOf(all, { next: ['a::f'], texts: ['boom'] })).toBe(0.6);
	});

	test('is narrowed by what is known of the crash, and not by what is unknown', () => {
		const match = {
			frames: ['a::f'],
			kinds: ['fault' as const],
			exitCodes: [139],
			components: ['querynode' as const, 'rootcoord' as const],
		};
		const cases: readonly [Partial<CrashTraits>, boolean][] = [
			[{}, true],
			[{ kind: 'fault', exitCode: 139, component: 'querynode' }, true],
			[{ component: 'standalone' }, true],
			[{ component: 'mixcoord' }, true],
			[{ component: 'datanode' }, false],
			[{ kind: 'abort' }, false],
			[{ exitCode: 134 }, false],
		];
		for (const [traits, expected] of cases)
			expect([traits, matchOf({ match }, { culprit: ['a::f'], ...traits }) > 0]).toEqual([traits, expected]);
		expect(matchOf({ match }, { kind: 'fault', exitCode: 139, component: 'querynode' })).toBe(0);
	});

	test('tells the best match first, then what the image does not have yet, then what is better founded', () => {
		const issues = [
			entry('text', { match: { text: ['boom'] } }),
			entry('fixed', { confidence: 'high', fixedIn: '2.5.9' }),
			entry('low', { confidence: 'low' }),
			entry('high', { confidence: 'high' }),
		];
		const traits = crash({ culprit: ['a::f'], texts: ['boom'], imageTag: 'v2.6.0' });
		expect(matchKnownIssues(issues, traits).map(({ id }) => id)).toEqual(['high', 'low', 'fixed', 'text']);
	});

	test('says whether the running image has the fix, where both are releases', () => {
		const [issue] = matchKnownIssues(base, at('knowhere::IvfIndexNode::Deserialize', { imageTag: 'milvusdb/milvus:v2.3.2' }));
		expect(issue).toMatchObject({ issues: ['milvus-io/milvus#28065'], fixedIn: '2.3.3', isFixedInImage: false });
		const unknown = matchKnownIssues(base, at('knowhere::IvfIndexNode::Deserialize', { imageTag: 'master-20231211-3c32ba24' }));
		expect(unknown[0]).not.toHaveProperty('isFixedInImage');
		expect(matchKnownIssues(base, at('milvus::GroupChunk::GetChunk', { imageTag: 'v2.6.4' }))[0]).not.toHaveProperty('isFixedInImage');
	});

	test('looks at a bounded part of what a process said', () => {
		const long = `${'x'.repeat(50_000_000)}boom`;
		const start = performance.now();
		expect(matchOf({}, { texts: Array.from({ length: 1_000 }, () => long), culprit: [`${'a::'.repeat(1_000_000)}g`] })).toBe(0);
		expect(originOf(base, [long])).toBeUndefined();
		expect(performance.now() - start).toBeLessThan(2_000);
	});
});

test('a pattern is a whole name, its end from a border on, or a family', () => {
	const cases: readonly [pattern: string, name: string, expected: boolean][] = [
		['knowhere::IvfIndexNode::Deserialize', 'knowhere::IvfIndexNode::Deserialize', true],
		['IvfIndexNode::Deserialize', 'knowhere::IvfIndexNode::Deserialize', true],
		['Deserialize', 'knowhere::IvfIndexNode::Deserialize', true],
		['Node::Deserialize', 'knowhere::IvfIndexNode::Deserialize', false],
		['knowhere::IvfIndexNode', 'knowhere::IvfIndexNode::Deserialize', false],
		['IvfIndexNode::Deserialize', 'knowhere::IvfIndexNode::DeserializeFromFile', false],
		['pqarrow.writeDenseArrow', 'github.com/apache/arrow/go/parquet/pqarrow.writeDenseArrow', true],
		['writeDenseArrow', 'github.com/apache/arrow/go/parquet/pqarrow.writeDenseArrow', true],
		['broadcaster.(*broadcastTask).ack', `${milvus}/internal/broadcaster.(*broadcastTask).ack`, true],
		['caster.(*broadcastTask).ack', `${milvus}/internal/broadcaster.(*broadcastTask).ack`, false],
		['milvus::SkipIndex::*', 'milvus::SkipIndex::~SkipIndex', true],
		['SkipIndex::*', 'milvus::SkipIndex::Chunk::Size', true],
		['milvus::SkipIndex::*', 'milvus::SkipIndexBuilder::Build', false],
		['milvus::SkipIndex::*', 'milvus::SkipIndex', false],
		['Index::*', 'milvus::SkipIndex::Size', false],
		['etcd.InitEtcdServer.*', `${milvus}/pkg/util/etcd.InitEtcdServer.func`, true],
		['milvus::operator*', 'milvus::operator*', true],
		['milvus::operator*', 'milvus::operator+', false],
		['a.c', 'abc', false],
	];
	for (const [pattern, name, expected] of cases) expect([pattern, name, isMeant(pattern, name)]).toEqual([pattern, name, expected]);
});

test('an image has a release when its tag is one, and the same or a later one', () => {
	const cases: readonly [image: string, expected: boolean | undefined][] = [
		['v2.5.9', true],
		['2.5.9', true],
		['v2.5.10', true],
		['v2.6.0', true],
		['v3.0.0', true],
		['v2.5.8', false],
		['v2.4.23', false],
		['milvusdb/milvus:v2.5.9-gpu', true],
		['milvusdb/milvus:v2.5.8-gpu-arm64', false],
		['registry.local:5000/milvusdb/milvus:2.5.9@sha256:0123', true],
		['registry.local:5000/milvusdb/milvus', undefined],
		['milvusdb/milvus@sha256:0123', undefined],
		['v2.5.9-rc1', undefined],
		['v2.5.9-20250401-abcdef12-amd64', undefined],
		['v2.5.10-rc1', true],
		['2.5.8-hotfix', false],
		['2.5-20250401-abcdef12', undefined],
		['v2.5', undefined],
		['master-20240814-c42976ee-amd64', undefined],
		['cardinal-v2.5.9', undefined],
		['latest', undefined],
		['', undefined],
		[`v2.5.9-${'gpu-'.repeat(100_000)}!`, undefined],
		[`v${'9'.repeat(100_000)}.0.0`, undefined],
	];
	for (const [image, expected] of cases) expect([image, hasRelease(image, '2.5.9')]).toEqual([image, expected]);
	expect(hasRelease('v2.5.9', 'soon')).toBeUndefined();
});

test('a message stands for a function where a death leaves no stack', () => {
	const removed = { id: 'removedir-not-empty', function: 'milvus::storage::LocalChunkManager::RemoveDir' };
	expect(
		originOf(base, ["terminate called after throwing an instance of 'milvus::SegcoreError'", 'what(): => remove local directory:/x']),
	).toEqual(removed);
	expect(originOf(base, ['removedir:directory not empty'])).toEqual(removed);
	expect(originOf(base, ['SIGFPE', 'wal term already set'])).toBeUndefined();
	expect(originOf(base, [])).toBeUndefined();
});

describe('files of a user', () => {
	const own = (id: string, more = '') =>
		`  - { id: ${id}, match: { frames: [acme::f] }, cause: code, symptom: S., advice: A., cleanup: neutral, confidence: low${more} }\n`;
	const file = (...entries: readonly string[]) => `version: 1\nissues:\n${entries.join('')}`;

	async function load(text: string): Promise<readonly KnownIssueEntry[]> {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'own.yaml');
		writeFileSync(path, text);
		return loadKnownIssues([path]);
	}

	/** The lines of the error, without the path of the file. */
	async function mistakesIn(text: string): Promise<readonly string[]> {
		const error = await load(text).catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(ConfigError);
		return (error as ConfigError).message.split('\n').map((line) => line.replace(/^.*own\.yaml:/, ''));
	}

	test('are added to the built-in ones, and replace those of the same id', async () => {
		const loaded = await load(file(own('ours'), own('ivf-deserialize', ', issues: [acme/milvus#7]')));
		expect(loaded).toHaveLength(base.length + 1);
		expect(loaded.filter(({ id }) => id === 'ivf-deserialize')).toMatchObject([
			{ issues: ['acme/milvus#7'], requireAll: false, fixes: [] },
		]);
		expect(found(at('knowhere::IvfIndexNode::Deserialize'), loaded)).toEqual([]);
		expect(found(at('acme::f'), loaded)).toEqual(['ivf-deserialize 1', 'ours 1']);
	});

	test('the example of the reference page is one', async () => {
		const page = readFileSync(join(root, 'docs/reference/known-issues.md'), 'utf8');
		const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
		expect(found(at('acme::Codec::Read', { component: 'querynode' }), await load(example))).toEqual(['our-index-plugin 1']);
	});

	test('in a folder count in the order of their names, and a mounted ConfigMap counts once', async () => {
		await using folder = await temporaryFolder();
		const inside = (name: string) => join(folder.path, name);
		mkdirSync(inside('..2026_11_24'));
		writeFileSync(inside('..2026_11_24/b.yml'), file(own('ours', ', affects: [second]')));
		symlinkSync('..2026_11_24', inside('..data'));
		symlinkSync('..data/b.yml', inside('b.yml'));
		writeFileSync(inside('a.yaml'), file(own('ours', ', affects: [first]'), own('other')));
		for (const ignored of ['.hidden.yaml', 'notes.txt', 'c.yaml~']) writeFileSync(inside(ignored), '!');
		const loaded = loadKnownIssues([folder.path]);
		expect(loaded.slice(base.length)).toMatchObject([{ id: 'ours', affects: ['second'] }, { id: 'other' }]);
	});

	test('are refused with the line of each mistake, and what is expected there', async () => {
		const good = 'cause: code, symptom: S., advice: A., cleanup: neutral, confidence: low';
		const one = (fields: string) => `version: 1\nissues:\n  - { ${fields} }\n`;
		const cases: readonly [string, ...string[]][] = [
			['', '1: version is missing; expected 1', '1: issues is missing; expected a list such as [a, b]'],
			['- id: x\n', '1: expected sections with keys, such as "version:"'],
			[
				'version: 1\nissues: [\n',
				'3: not YAML, at column 1: Flow sequence in block collection must be sufficiently indented and end with a ]',
			],
			['version: 2\nissues: []\n', '1: version is 2; expected 1'],
			['version: 1\nissues: {}\n', '2: issues is a section; expected a list such as [a, b]'],
			['version: 1\nissues:\n  - 5\n', '3: issues.0 is a number; expected a section with keys'],
			[
				'version: 1\nissue: []\n',
				'1: issues is missing; expected a list such as [a, b]',
				'2: unknown key issue; the nearest known one is issues',
			],
			[
				'version: 1\nissues:\n  - id: x1\n    match:\n      frame: [abc]\n',
				'3: issues.0.cause is missing; expected code or config or environment or dependency or data',
				'3: issues.0.symptom is missing; expected a text',
				'3: issues.0.advice is missing; expected a text',
				'3: issues.0.cleanup is missing; expected neutral or never or supports',
				'3: issues.0.confidence is missing; expected high or medium or low',
				'4: issues.0.match is a section; expected frames or text in it, which the other keys only narrow down',
				'5: unknown key issues.0.match.frame; the nearest known one is frames',
			],
			[
				one(`id: x1, frames: [abc], match: { text: [boom] }, ${good}`),
				'3: unknown key issues.0.frames; frames belongs under issues.*.match',
			],
			[
				one(`id: Über, match: { text: [boom] }, ${good}`),
				'3: issues.0.id is "Über"; expected lower-case letters, digits, dots and hyphens, such as ivf-deserialize',
			],
			[
				one(`id: x1, match: { exitCodes: [139] }, ${good}`),
				'3: issues.0.match is a section; expected frames or text in it, which the other keys only narrow down',
			],
			[
				`version: 1\nissues:\n  - ${good.replaceAll(', ', '\n    ')}\n    id: x1\n    match:\n      frames: []\n      text: [abc, 7]\n      kinds: [segv]\n      exitCodes: [300]\n      components: [attu]\n`,
				'10: issues.0.match.frames is a list; expected a list that is not empty',
				'11: issues.0.match.text.0 is "abc"; expected at least 4 characters',
				'11: issues.0.match.text.1 is 7; expected a text',
				'12: issues.0.match.kinds.0 is "segv"; expected fault or abort or exception or assertion or heap corruption or go panic or go fatal error or rust panic or deliberate exit or killed',
				'13: issues.0.match.exitCodes.0 is 300; expected at most 255',
				'14: issues.0.match.components.0 is "attu"; expected standalone or proxy or rootcoord or querycoord or datacoord or indexcoord or mixcoord or querynode or datanode or indexnode or streamingnode or cdc',
			],
			[
				one(`id: x1, match: { frames: ["::*", "*"] }, ${good}`),
				...[0, 1].map(
					(index) =>
						`3: issues.0.match.frames.${index} is "${['::*', '*'][index]}"; expected a function such as knowhere::IvfIndexNode::Deserialize, or all of a class such as milvus::SkipIndex::*`,
				),
			],
			[
				one(`id: x1, match: { text: [boom] }, requireAll: true, ${good}, fixedIn: 2.5`),
				'3: issues.0.fixedIn is 2.5; expected a text',
				'3: issues.0.requireAll is true; expected false, or both frames and text under match',
			],
			[
				one(`id: x1, match: { frames: [a::f] }, origin: a::f, ${good}, fixedIn: "#41219", issues: [41219]`),
				'3: issues.0.fixedIn is "#41219"; expected a release such as 2.5.9; pull requests belong under fixes',
				'3: issues.0.issues.0 is 41219; expected a text',
				'3: issues.0.origin is "a::f"; expected text under match, which stands for it',
			],
			[
				one(`id: x1, match: { text: [boom] }, ${good}, issues: ["#7"], affects: ["a\\nb"]`),
				'3: issues.0.affects.0 is "a\\nb"; expected one line of text',
				'3: issues.0.issues.0 is "#7"; expected a thread such as milvus-io/milvus#28065',
			],
			[file(own('ours'), own('other'), own('ours')), '5: issues.2.id is "ours"; expected an id that is not in this file yet'],
			[file(own('ours', ', cause: data')), '3: this key is there twice in its section; keep one'],
			[
				one(`id: x1, match: { text: [${Array.from({ length: 51 }, () => 'boom')}] }, ${good.replace('S.', 's'.repeat(301))}`),
				'3: issues.0.match.text is a list; expected at most 50 items',
				`3: issues.0.symptom is "${'s'.repeat(60)}…"; expected at most 300 characters`,
			],
		];
		for (const [text, ...expected] of cases) expect([text, (await mistakesIn(text)).toSorted()]).toEqual([text, expected.toSorted()]);
	});

	test('that are broken are told all at once', async () => {
		await using folder = await temporaryFolder();
		const inside = (name: string) => join(folder.path, name);
		writeFileSync(inside('a.yaml'), 'version: 0\nissues: []\n');
		writeFileSync(inside('b.yaml'), 'version: 1\n');
		mkdirSync(inside('c.yaml'));
		await exec('mkfifo', [inside('d.yaml')]);
		writeFileSync(inside('e.yaml'), '#'.repeat((1 << 20) + 1));
		const paths = [folder.path, inside('missing.yaml'), inside('a.yaml/x')];
		const what = 'milvus-coredump-agent: known issues';
		expect(() => loadKnownIssues(paths)).toThrow(
			[
				`${inside('a.yaml')}:1: version is 0; expected 1`,
				`${inside('b.yaml')}:1: issues is missing; expected a list such as [a, b]`,
				`${what} ${inside('c.yaml')}: is a directory`,
				`${what} ${inside('d.yaml')}: is not a regular file`,
				`${what} ${inside('e.yaml')}: is longer than 1 MiB`,
				`${what} ${inside('missing.yaml')}: there is no such file`,
				`${what} ${inside('a.yaml/x')}: there is no such file`,
			].join('\n'),
		);
	});

	test('that hold far too much are refused in time', async () => {
		const many = file(...Array.from({ length: 1_001 }, (_, index) => own(`x${index}`)));
		expect(await mistakesIn(many)).toEqual(['2: issues is a list; expected at most 1000 items']);
		expect(await mistakesIn(`version: 1\nissues: ${'['.repeat(500_000)}`)).toHaveLength(1);
		expect(await mistakesIn(file(...Array.from({ length: 20_000 }, () => '  - { ids: 1 }\n')).slice(0, 1 << 20))).not.toHaveLength(0);
	});
});
