/**
 * What a frame is, by its normalised name, its source file or its module. Data: the first rule that fits decides.
 * Names come from reports of real crashes, and from the sources of the C library, libstdc++, Go's runtime and Rust's core.
 */

/** Grows with every change of what the rules answer. */
export const rulesVersion = 2;

export type FrameClass =
	/** Between a signal's handler and what it interrupted. */
	| 'trampoline'
	/** Where Go's runtime takes a fault or a panic up: what follows is what went wrong. */
	| 'panic'
	/** Ends the process, or reports its end: removed with everything above. */
	| 'death'
	/** The C library's memory allocator: a fault in it is of an earlier mistake. */
	| 'allocator'
	/** Waits: its thread did nothing wrong. */
	| 'idle'
	/** Never to blame. */
	| 'noise'
	/** A standard library: to blame only where its arguments name something of the program's own. */
	| 'standard'
	/** Carries calls of others: to blame only when nothing of the program's own follows. */
	| 'plumbing'
	/** The Go side of a call into C: stands for C code that has no frames. */
	| 'stub'
	/** Where a thread begins. */
	| 'root'
	/** The program's own. */
	| 'own'
	| 'other';

export type FrameRule = {
	readonly id: string;
	readonly is: FrameClass;
	/** Normalised names; `*` stands for anything. */
	readonly names?: readonly string[];
	/** Such names are common: a function of the program's own, known by its source file, may bear one. */
	readonly isCommon?: true;
	/** Parts of the source file's path. */
	readonly files?: readonly string[];
	/** A line of such a file may be inlined into any function: it tells nothing of one whose name has a scope. */
	readonly isHeader?: true;
	/** Base names of modules; `*` stands for anything. Only of frames without a name. */
	readonly modules?: readonly string[];
	/** The same, of frames with a plain name of C. */
	readonly plainIn?: readonly string[];
};

/** Names, with spaces between. */
const words = (...lines: readonly string[]) => lines.join(' ').split(/\s+/);

export const frameRules: readonly FrameRule[] = [
	{
		id: 'signal trampoline',
		is: 'trampoline',
		names: ['<signal handler called>', '__restore_rt', '__kernel_rt_sigreturn', '_sigtramp', 'runtime.sigreturn*'],
	},
	{ id: 'Go panic', is: 'panic', names: ['runtime.sigpanic', 'runtime.sigpanic0', 'runtime.gopanic', 'panic'] },

	{
		id: 'signal sent to oneself',
		is: 'death',
		isCommon: true,
		names: words('raise gsignal abort pthread_kill __pthread_kill* tgkill __tgkill kill __kill sigqueue'),
	},
	{
		id: 'failed check of the C library',
		is: 'death',
		names: words(
			'__assert_fail* __assert_perror_fail __assert __libc_message* __libc_fatal malloc_printerr* __fortify_fail*',
			'*_chk_fail* tcache_double_free_verify',
		),
	},
	{
		id: 'C++ exception or termination',
		is: 'death',
		names: words(
			'std::terminate std::__terminate std::__glibcxx_assert_fail std::__replacement_assert std::unexpected',
			'std::rethrow_exception std::__throw_* __gnu_cxx::__verbose_terminate_handler __cxxabiv1::* __cxa_throw*',
			'__cxa_rethrow __cxa_pure_virtual __cxa_deleted_virtual __cxa_bad_* __cxa_call_terminate __cxa_call_unexpected',
			'__clang_call_terminate __gxx_personality_v0 _Unwind_* abort_message demangling_terminate_handler',
		),
	},
	{
		id: 'Rust panic',
		is: 'death',
		names: words(
			'rust_panic* rust_begin_unwind __rust_* __rustc::* core::panicking::* std::panicking::* std::panic::*',
			'std::process::abort std::sys*abort_internal std::rt::__rust_abort std::rt::rust_panic* std::alloc::rust_oom*',
			'std::alloc::handle_alloc_error* panic_abort::* core::result::unwrap_failed core::option::unwrap_failed',
			'core::option::expect_failed core::slice::index::slice_*_fail* core::str::slice_error_fail*',
			'core::cell::panic_already_* alloc::raw_vec::handle_error alloc::raw_vec::capacity_overflow',
			'alloc::alloc::handle_alloc_error*',
		),
	},
	{
		id: 'handler in the process',
		is: 'death',
		isCommon: true,
		names: words(
			'wrapHandler printBacktrace backtraceCallback backtrace_full backtrace_simple unwind cgoTraceback cgoSymbolizer',
			'x_cgo_callers x_cgo_sigaction folly::symbolizer::* folly::*signalHandler folly::exception_tracer::*',
			'google::*FailureSignalHandler google::DumpStackTraceAndExit google::LogMessage* google::logging_fail',
			'google::InstallFailureFunction milvus::PrintStacktrace milvus::HandleSignal __asan_* __asan::* __interceptor_*',
			'__sanitizer::* __sanitizer_* __ubsan_* __ubsan::* __tsan_* __tsan::*',
		),
	},

	{
		id: 'allocator',
		is: 'allocator',
		isCommon: true,
		names: [
			...words(
				'malloc free cfree calloc realloc memalign aligned_alloc posix_memalign __libc_malloc* __libc_free',
				'__libc_calloc __libc_realloc __libc_memalign _int_* _mid_memalign sysmalloc systrim* unlink_chunk',
				'malloc_consolidate munmap_chunk tcache_* je_* jemalloc* arena_* extent_* mi_*',
			),
			'operator new',
			'operator new[]',
			'operator delete',
			'operator delete[]',
		],
	},

	{
		id: 'waiting',
		is: 'idle',
		isCommon: true,
		names: words(
			'epoll_wait epoll_pwait* poll __poll ppoll select __select pselect nanosleep __nanosleep clock_nanosleep*',
			'__clock_nanosleep* pause __libc_pause sigtimedwait sigwait* __sigtimedwait pthread_cond_*wait*',
			'__pthread_cond_wait* __futex_abstimed_wait* futex_wait* __pthread_clockjoin_ex __pthread_timedjoin_ex',
			'pthread_join io_getevents accept accept4 read __read __libc_read recvmsg __libc_recvmsg recv wait4 __wait4',
			'waitpid syscall runtime.futex* runtime.epollwait* runtime.usleep* runtime.notesleep* runtime.notetsleep*',
			'runtime.gopark* runtime.goparkunlock runtime.mPark runtime.stopm internal/runtime/syscall.*',
		),
	},

	{ id: 'C code called from Go', is: 'stub', names: ['*._Cfunc_*', '_cgo_*Cfunc_*'] },
	{
		id: 'Go runtime',
		is: 'noise',
		names: [
			...words(
				'runtime.* runtime/* internal/runtime/* internal/poll.* internal/bytealg.* internal/abi.* crosscall1 crosscall2',
				'crosscall_amd64 threadentry _cgoexp_* x_cgo_* _cgo_* sync.(*Once).* sync.OnceFunc* reflect.Value.* goexit',
				'(null)',
			),
			'non-Go function',
		],
	},
	{
		id: 'recovers and panics again',
		is: 'noise',
		names: [
			'golang.org/x/sync/errgroup*',
			'github.com/panjf2000/ants*.(*goWorker).run*',
			'*/util/conc.(*poolOption).antsOptions*',
			'*/util/conc.(*Pool*).Submit*',
			'github.com/grpc-ecosystem/go-grpc-middleware*',
		],
	},
	{
		id: 'carries an error, or tries again',
		is: 'noise',
		names: words(
			'*/util/trace.StackTrace* */tracer.StackTrace* */util/merr.* github.com/cockroachdb/errors*',
			'github.com/pkg/errors* *grpcclient.(*ClientBase*).* *wrapGrpcCall* */util/retry.*',
		),
	},
	{
		id: 'logger',
		is: 'noise',
		names: [
			'go.uber.org/zap*',
			'log.Fatal*',
			'log.Panic*',
			'log.(*Logger).*',
			'github.com/milvus-io/milvus/pkg/log.*',
			'*/pkg/log.*',
			'*/mlog.*',
		],
	},
	{
		id: 'check of the program itself',
		is: 'noise',
		names: [
			'milvus::impl::EasyAssertInfo',
			'milvus::*PanicInfo',
			'milvus::*ThrowInfo',
			'milvus::*PanicCodeInfo',
			'faiss::handleExceptions',
		],
	},
	{
		id: 'generated code',
		is: 'noise',
		names: ['milvus::proto::*'],
		files: ['.pb.h', '.pb.cc', '.pb.go'],
	},
	{
		id: 'compiler intrinsic',
		is: 'noise',
		names: ['_mm_*', '_mm256_*', '_mm512_*'],
		files: ['intrin.h', '_fortified.h', '/bits/stdio2.h'],
		isHeader: true,
	},
	{
		id: 'memory and strings',
		is: 'noise',
		isCommon: true,
		names: words('memcpy memmove memset memcmp memchr memrchr __mem* str* __str* wcs* __wcs* bcmp __bcmp* qsort* bsearch'),
	},
	{
		id: 'printing',
		is: 'noise',
		isCommon: true,
		names: words('vfprintf* __vfprintf* printf* __printf* fprintf snprintf vsnprintf sprintf vsprintf fwrite fputs puts _IO_*'),
	},

	{
		id: 'start of a thread',
		is: 'root',
		isCommon: true,
		names: words(
			'start_thread clone clone3 __clone* __libc_start_main* __libc_start_call_main _start',
			'execute_native_thread_routine __nptl_* main std::rt::* gomp_thread_start _dl_* call_init _init',
		),
	},
	{
		id: 'end of the program',
		is: 'noise',
		isCommon: true,
		names: ['exit', '_exit', '__run_exit_handlers', '__cxa_finalize', '__do_global_dtors_aux', '__cxa_atexit', '__call_tls_dtors'],
	},
	{
		id: 'Rust standard library',
		is: 'standard',
		names: words(
			'core::* alloc::* <core::* <alloc::* <std::* std::sys* std::thread::* std::io::* std::sync::* std::rt::* hashbrown::* <hashbrown::*',
		),
		files: ['/rustc/', 'library/core/', 'library/std/', 'library/alloc/'],
		isHeader: true,
	},
	{ id: 'C++ standard library', is: 'standard', names: ['std::*', '__gnu_cxx::*', 'operator*'], files: ['/include/c++/'], isHeader: true },

	{ id: 'tiered storage', is: 'plumbing', names: ['milvus::cachinglayer::*'] },
	{
		id: 'threads and futures of the program',
		is: 'plumbing',
		names: ['milvus::futures::*', 'milvus::ThreadPool::*', 'knowhere::ThreadPool::*'],
	},
	{
		id: 'library that carries calls',
		is: 'plumbing',
		names: words(
			'folly::* boost::* fmt::* nlohmann::* opentelemetry::* grpc::* grpc_core::* google::protobuf::* absl::* tbb::*',
			'GOMP_* gomp_* __kmp* google.golang.org/grpc* google.golang.org/protobuf*',
		),
	},
	{
		id: 'Go standard library',
		is: 'plumbing',
		names: [
			...['bufio', 'bytes', 'context', 'errors', 'fmt', 'io', 'iter', 'log', 'maps', 'math', 'net', 'os', 'path', 'reflect', 'regexp'],
			...['slices', 'sort', 'strconv', 'strings', 'sync', 'syscall', 'testing', 'time', 'unicode'],
		]
			.flatMap((name) => [`${name}.*`, `${name}/*`])
			.concat(
				'archive/*',
				'compress/*',
				'container/*',
				'crypto/*',
				'database/*',
				'encoding/*',
				'hash/*',
				'html/*',
				'image/*',
				'internal/*',
				'mime/*',
				'text/*',
			),
	},

	{
		id: 'of the program',
		is: 'own',
		names: words(
			'milvus::* knowhere::* faiss::* diskann::* hnswlib::* tantivy* simdjson::* rocksdb::* arrow::* parquet::*',
			'milvus_storage::* cardinal::* github.com/milvus-io/* github.com/zilliztech/*',
		),
		files: [
			'internal/core/src/',
			'knowhere-src/',
			'/knowhere/',
			'thirdparty/faiss/',
			'thirdparty/hnswlib/',
			'thirdparty/DiskANN/',
			'simdjson-src/',
			'milvus-storage',
			'tantivy-binding',
			'tantivy_binding',
			'/milvus/internal/',
			'/milvus/pkg/',
			'/milvus/cmd/',
		],
		modules: ['libmilvus*', 'libknowhere*', 'librocksdb*', 'libcardinal*', 'libdiskann*', 'libfaiss*'],
	},
	{ id: "C of the program's libraries", is: 'own', plainIn: ['libmilvus*', 'libknowhere*'] },
	{
		id: 'system library without names',
		is: 'noise',
		modules: [
			'libc.so*',
			'libc-2.*',
			'libpthread*',
			'libstdc++*',
			'libgcc_s*',
			'libc++*',
			'ld-linux*',
			'ld-2.*',
			'libm.so*',
			'libgomp*',
			'libjemalloc*',
			'libasan*',
			'[vdso]',
		],
	},
];
