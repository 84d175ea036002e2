import { describe, expect, test } from 'vitest';
import { loadKnownIssues } from '../../src/components/analyzer/knownissues/knownissues.ts';
import { culpritByWords } from '../../src/components/analyzer/words.ts';

describe("the process's own words name the place", () => {
	for (const [message, place] of [
		[
			'Error in virtual void faiss::IndexBinaryIVF::train(long, const uint8_t*) at IndexBinaryIVF.cpp:286: not trained',
			{ function: 'virtual void faiss::IndexBinaryIVF::train(long, const uint8_t*)', file: 'IndexBinaryIVF.cpp', line: 286 },
		],
		[
			'Assert "rows == 7"  => wrong at /go/src/internal/core/src/segcore/x.cpp:12',
			{ file: '/go/src/internal/core/src/segcore/x.cpp', line: 12 },
		],
	] as const) {
		test(message, () => expect(culpritByWords({ at: 1, is: 'exception', message }, [])?.culprit).toMatchObject(place));
	}

	test('the first of two Rust panics', () => {
		expect(
			culpritByWords({ at: 1, is: 'rust panic', message: 'assertion failed', source: { file: 'src/index_reader_c.rs', line: 20 } }, [])
				?.culprit,
		).toMatchObject({ file: 'src/index_reader_c.rs', line: 20 });
	});

	test('or are known to come from one', () => {
		const message = 'remove local directory:/var/lib/milvus/data/cache/30';
		expect(culpritByWords({ at: 1, is: 'exception', type: 'milvus::SegcoreError', message }, loadKnownIssues([]))?.culprit).toMatchObject({
			function: 'milvus::storage::LocalChunkManager::RemoveDir',
			rule: 'known issue removedir-not-empty',
		});
	});

	test('but not a check in the headers of the standard library', () => {
		const check = { at: 1, is: 'assertion', message: '__n < this->size()' } as const;
		const name = 'std::vector<_Tp, _Alloc>::reference std::vector<_Tp, _Alloc>::operator[](size_type) [with _Tp = int]';
		expect(culpritByWords({ ...check, function: name, source: { file: '/usr/include/c++/12/bits/stl_vector.h' } }, [])).toBeUndefined();
	});

	test('or they do not', () => {
		expect(culpritByWords({ at: 1, is: 'exception', message: 'std::bad_alloc' }, [])).toBeUndefined();
		expect(culpritByWords(undefined, [])).toBeUndefined();
	});
});
