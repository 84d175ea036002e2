import { expect, test } from 'vitest';
import { maskedMessage } from '../../src/domain/message.ts';

/** By what is left of them: what the same bug said on several days. */
const messages: Readonly<Record<string, readonly string[]>> = {
	'runtime error: index out of range [{n}] with length {n}': [
		'runtime error: index out of range [3442944] with length 1530368',
		'runtime error: index out of range [0] with length 0',
		'runtime error: index out of range [-1] with length 7\n',
	],
	'runtime error: slice bounds out of range [:{n}] with capacity {n}': ['runtime error: slice bounds out of range [:12] with capacity 8'],
	'runtime error: slice bounds out of range [::{n}] with length {n}': ['runtime error: slice bounds out of range [::12] with length 8'],
	'critical error: schema not found, vchannel: {channel}, timetick: {n}': [
		'critical error: schema not found, vchannel: by-dev-rootcoord-dml_2_459653095598469712v0, timetick: 431211070871642635',
		'critical error: schema not found, vchannel: in01-abc-rootcoord-dml_13_449999995598469712v12, timetick: 1',
	],
	'=> remove local directory:{path}': [
		' => remove local directory:/var/lib/milvus/data/cache/30/local_chunk/index_files/478285249',
		' => remove local directory:/data/x',
	],
	'IO error: While lock file: {path} Resource temporarily unavailable': [
		'IO error: While lock file: /var/lib/milvus/rdb_data_meta_kv/LOCK: Resource temporarily unavailable',
	],
	'Assert {text} at {path} => offset {n}': [
		'Assert "offset < 10" at /src/milvus/internal/core/src/segcore/X.cpp:36\n => offset 12',
		'Assert "offset < \\"a\\"" at /workspace/source/internal/core/src/segcore/X.cpp:361 => offset 0x1f',
	],
	'Error in virtual void faiss::IndexBinaryIVF::train(faiss::IndexBinary::idx_t, const uint8_t*) at IndexBinaryIVF.cpp:{n}: no': [
		'Error in virtual void faiss::IndexBinaryIVF::train(faiss::IndexBinary::idx_t, const uint8_t*) at IndexBinaryIVF.cpp:286: no',
	],
	'dial tcp {address}: connect: connection refused': [
		'dial tcp 10.255.0.12:19530: connect: connection refused',
		'dial tcp [fe80::1]:19530: connect: connection refused',
		'dial tcp 127.0.0.1:2379: connect: connection refused',
	],
	'no route to {address}': ['no route to 2001:db8:0:1:1:1:1:1', 'no route to fe80::1', 'no route to 10.0.0.1'],
	'request {uuid} failed at {time}': [
		'request 123e4567-e89b-12d3-a456-426614174000 failed at 2026-03-26 04:53:39.503093',
		'request 00000000-e89b-12d3-a456-426614174000 failed at 2026-03-26T02:46:16.375486422+08:00',
		'request 00000000-e89b-12d3-a456-426614174000 failed at 2026/03/26 02:46:16.375 +00:00',
	],
	'segments [{n}] of node {n} after {n}, {n} MB': [
		'segments [457 458 459] of node 8 after 1m30.5s, 601.2391881942749 MB',
		'segments [457, 458] of node 12 after 45s, 1 MB',
		'segments [478282520188125249] of node 0 after 250ms, 1e9 MB',
	],
	'segment not found[segment={n}]': ['segment not found[segment=458123456789]', 'segment not found[segment=1]'],
	'hash {n}': ['hash d41d8cd98f00b204e9800998ecf8427e', 'hash 12345678'],
	"can't open {text}: it's gone": [`can't open "a \\"b\\" c": it's gone`, "can't open 'x y': it's gone", "can't open `z`: it's gone"],
	'cut in {text}': ['cut in "the middle of', 'cut in "'],
	'int64 is not L2, nor utf8, in index_v7': ['int64 is not L2, nor utf8, in index_v7'],
	'std::dead::beef in milvus::segcore': ['std::dead::beef in milvus::segcore'],
	'close of closed channel': ['close of closed channel'],
	'': ['', ' \n'],
};

for (const [masked, spelt] of Object.entries(messages)) {
	test(masked || 'nothing', () => {
		expect(spelt.map(maskedMessage)).toEqual(spelt.map(() => masked));
		expect(maskedMessage(masked)).toBe(masked);
	});
}

test('hostile messages cost milliseconds, and what is given back is bounded', () => {
	for (const piece of [
		'"',
		"'",
		"'a ",
		'`',
		'a-',
		'-dml_',
		'a1',
		'1:',
		'a:',
		'::',
		'1.',
		'1m',
		'/a',
		'/',
		'0x',
		' ',
		'{n} ',
		'1 ',
		'1, ',
		'\\"',
		'[:',
		'-',
	]) {
		const started = performance.now();
		expect(maskedMessage(piece.repeat(1_000_000 / piece.length)).length).toBeLessThanOrEqual(255);
		expect(performance.now() - started).toBeLessThan(2000);
	}
});
