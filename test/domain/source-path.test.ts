import { expect, test } from 'vitest';
import { repositoryPath } from '../../src/domain/source-path.ts';

const hash = '0123456789abcdef0123456789abcdef01234567';

/** By the path in its repository: where builds had the file. */
const builds: Readonly<Record<string, readonly string[]>> = {
	'internal/core/src/segcore/SkipIndex.h': [
		'/go/src/github.com/milvus-io/milvus/internal/core/src/segcore/SkipIndex.h',
		'/workspace/source/internal/core/src/segcore/SkipIndex.h',
		'/root/milvus/internal/core/src/segcore/SkipIndex.h',
		'/src/milvus/internal/core/src/segcore/SkipIndex.h',
		'/home/build/zilliz/milvus/milvus/internal/core/src/segcore/SkipIndex.h',
		'/home/build/workspace/milvus_24/internal/core/src/segcore/SkipIndex.h',
		'/anywhere/else/internal/core/src/segcore/SkipIndex.h',
		'/workspace/source/internal/core/build/../src/./segcore//SkipIndex.h',
		'internal/core/src/segcore/SkipIndex.h',
	],
	'internal/proxy/task.go': [
		'/go/src/github.com/milvus-io/milvus/internal/proxy/task.go',
		'github.com/milvus-io/milvus/internal/proxy/task.go',
	],
	'pkg/util/merr/errors.go': [
		'/workspace/source/pkg/util/merr/errors.go',
		'/go/pkg/mod/github.com/milvus-io/milvus/pkg@v0.0.2/util/merr/errors.go',
		'/go/pkg/mod/github.com/milvus-io/milvus/pkg/v2@v2.5.1/util/merr/errors.go',
	],
	'knowhere/src/index/ivf/ivf.cc': [
		'/home/build/t/milvus/cmake_build/thirdparty/knowhere/knowhere-src/src/index/ivf/ivf.cc',
		'/workspace/source/cmake_build/thirdparty/knowhere/knowhere-src/src/index/ivf/ivf.cc',
		'/home/build/work/vec/knowhere/src/index/ivf/ivf.cc',
	],
	'simdjson/include/simdjson/simd.h': ['/home/build/milvus_24/cmake_build/3rdparty_download/simdjson-src/include/simdjson/simd.h'],
	'folly/futures/Future.h': [
		`/root/.conan/data/folly/2023.10.30.08/milvus/dev/package/${hash}/include/folly/futures/Future.h`,
		'/home/somebody/.conan2/p/b/folly1a2b3c/p/include/folly/futures/Future.h',
	],
	'rocksdb/db/db_impl.cc': [`/root/.conan/data/rocksdb/6.29.5/milvus/dev/build/${hash}/src/db/db_impl.cc`],
	'runtime/panic.go': [
		'/usr/local/go/src/runtime/panic.go',
		'/home/build/sdk/go1.18.1/src/runtime/panic.go',
		'/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.24.4.linux-amd64/src/runtime/panic.go',
		'runtime/panic.go',
	],
	'github.com/panjf2000/ants/worker.go': [
		'/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.2/worker.go',
		'/root/go/pkg/mod/github.com/panjf2000/ants/v2@v2.9.0/worker.go',
		'github.com/panjf2000/ants/v2@v2.7.2/worker.go',
	],
	'github.com/BurntSushi/toml/decode.go': ['/go/pkg/mod/github.com/!burnt!sushi/toml@v1.2.0/decode.go'],
	'gopkg.in/yaml/yaml.go': ['/go/pkg/mod/gopkg.in/yaml.v3@v3.0.1/yaml.go'],
	'library/core/src/panicking.rs': [
		`/rustc/${hash}/library/core/src/panicking.rs`,
		'/root/.rustup/toolchains/stable-x86_64-unknown-linux-gnu/lib/rustlib/src/rust/library/core/src/panicking.rs',
	],
	'tantivy/src/core/searcher.rs': [
		'/root/.cargo/registry/src/example-6f17d22bba15001f/tantivy-0.22.0/src/core/searcher.rs',
		'/usr/local/cargo/git/checkouts/tantivy-7a0f34de55f7e9d3/8ea15ab/src/core/searcher.rs',
	],
	'c++/bits/stl_tree.h': ['/usr/include/c++/12/bits/stl_tree.h', '/opt/rh/devtoolset-7/root/usr/include/c++/7/bits/stl_tree.h'],
	'c++/bits/gthr-default.h': ['/usr/include/x86_64-linux-gnu/c++/12/bits/gthr-default.h'],
	'include/avxintrin.h': ['/usr/lib/gcc/x86_64-linux-gnu/9/include/avxintrin.h'],
	'include/pthread.h': ['/usr/include/pthread.h', '/usr/local/include/pthread.h'],
	'nptl/pthread_kill.c': ['./nptl/pthread_kill.c', '../nptl/pthread_kill.c', '/build/glibc-SzIz7B/glibc-2.31/nptl/pthread_kill.c'],
	'sysdeps/unix/sysv/linux/raise.c': [
		'../sysdeps/unix/sysv/linux/raise.c',
		'/usr/src/debug/glibc-2.28-5.x86_64/sysdeps/unix/sysv/linux/raise.c',
	],
	'_cgo_gotypes.go': ['_cgo_gotypes.go'],
	'IndexIVFFlat.cpp': ['IndexIVFFlat.cpp'],
	'': [''],
};

for (const [path, places] of Object.entries(builds)) {
	test(`${path || 'no path'} is one file wherever it was built`, () => {
		expect(places.map((place) => [place, repositoryPath(place)])).toEqual(places.map((place) => [place, path]));
		expect(repositoryPath(path)).toBe(path);
	});
}

test('files of the same name stay different', () => {
	const files = [
		...[
			'/usr/local/go/src/runtime/panic.go',
			'/go/src/github.com/milvus-io/milvus/internal/runtime/panic.go',
			'/workspace/source/pkg/log/log.go',
		],
		...['/usr/local/go/src/log/log.go', '/go/pkg/mod/github.com/a/log@v1.0.0/log.go', '/go/pkg/mod/github.com/b/log@v1.0.0/log.go'],
		...['/a/knowhere-src/src/x.cc', '/a/faiss-src/src/x.cc', '/root/x.cc', '/workspace/source/internal/core/src/x.cc'],
	];
	expect(new Set(files.map(repositoryPath)).size).toBe(files.length);
});

test('hostile paths cost milliseconds, and what is given back is bounded', () => {
	for (const piece of ['/', '/a', '../', '/go/src/', '/milvus/', '-src/', '/c++/', '/include/', '/.conan/data/', '@v1', '!a', '\0']) {
		const started = performance.now();
		expect(repositoryPath(piece.repeat(1_000_000 / piece.length)).length).toBeLessThanOrEqual(255);
		expect(performance.now() - started).toBeLessThan(2000);
	}
});
