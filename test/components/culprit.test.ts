import { describe, expect, test } from 'vitest';
import { classify } from '../../src/components/analyzer/culprit/classify.ts';
import { culpritByCounter, judge } from '../../src/components/analyzer/culprit/culprit.ts';
import { type FrameClass, frameRules } from '../../src/components/analyzer/culprit/rules.ts';
import { deathOf } from '../../src/components/analyzer/death.ts';
import { goPanicType } from '../../src/components/analyzer/fingerprint/go-panic.ts';
import type { Frame } from '../../src/domain/report.ts';

const libc = '/lib/x86_64-linux-gnu/libc.so.6';
const frame = (name: string | undefined, more: Partial<Frame> = {}): Frame => ({
	module: '/milvus/bin/milvus',
	offset: '0x1000',
	...(name === undefined ? {} : { function: name }),
	...more,
});
const own = frame('milvus::segcore::Search');
const native = { kind: 'fault', isRaised: false, isBadJump: false, among: 'those with a handler' } as const;
const blamed = (frames: readonly Frame[], circumstances: Partial<Parameters<typeof judge>[1]> = {}) =>
	judge([{ frames: [...frames] }], { ...native, ...circumstances })?.culprit;

/** A name that each rule is for, as crashes have shown it. */
const examples: Readonly<Record<string, readonly (string | Partial<Frame>)[]>> = {
	'signal trampoline': ['<signal handler called>', '__restore_rt', 'runtime.sigreturn__sigaction'],
	'Go panic': ['runtime.sigpanic', 'runtime.gopanic', 'panic'],
	'signal sent to oneself': ['raise', '__GI_abort', '__pthread_kill_implementation', 'kill'],
	'failed check of the C library': ['__assert_fail', '__assert_fail_base', '__GI___libc_message', 'malloc_printerr', '__stack_chk_fail'],
	'C++ exception or termination': [
		'std::terminate()',
		'__cxxabiv1::__terminate(void (*)())',
		'__cxa_throw',
		'std::__throw_out_of_range_fmt(char const*, ...)',
		'_Unwind_RaiseException',
	],
	'Rust panic': ['core::panicking::panic_fmt', 'rust_begin_unwind', 'std::panicking::begin_panic_handler', 'core::result::unwrap_failed'],
	'handler in the process': [
		'wrapHandler',
		'backtrace_full',
		'google::LogMessage::Flush()',
		'folly::symbolizer::(anonymous namespace)::signalHandler(int)',
		'__asan_report_load8',
	],
	allocator: ['malloc', '_int_free', 'operator new(unsigned long)', 'operator delete[](void*)', 'je_arena_malloc'],
	waiting: ['epoll_wait', '__futex_abstimed_wait_common64', 'pthread_cond_wait', 'runtime.futex', 'runtime.gopark'],
	'C code called from Go': ['github.com/tecbot/gorocksdb._Cfunc_rocksdb_get', '_cgo_5c5a1bd1b5a4_Cfunc_Search'],
	'Go runtime': ['runtime.throw', 'runtime.cgocall', 'runtime.asmcgocall.abi0', 'sync.(*Once).doSlow', 'crosscall2', '(null)'],
	'recovers and panics again': [
		'github.com/milvus-io/milvus/pkg/util/conc.(*poolOption).antsOptions.func1',
		'github.com/panjf2000/ants/v2.(*goWorker).run.func1.1',
		'github.com/milvus-io/milvus/pkg/util/conc.(*Pool[...]).Submit.func1.1',
	],
	'carries an error, or tries again': [
		'github.com/milvus-io/milvus/pkg/util/merr.WrapErrServiceInternal',
		'github.com/milvus-io/milvus/pkg/util/retry.Do',
	],
	logger: ['go.uber.org/zap.(*Logger).Fatal', 'github.com/milvus-io/milvus/pkg/log.Fatal'],
	'check of the program itself': ['milvus::impl::EasyAssertInfo(bool, std::basic_string_view<char>)'],
	'generated code': ['milvus::proto::plan::GenericValue::val_case() const', { function: 'plan', file: '/src/pb/plan.pb.h' }],
	'compiler intrinsic': ['_mm512_loadu_ps(void const*)', { function: 'load', file: '/usr/lib/gcc/x86_64-linux-gnu/9/include/avxintrin.h' }],
	'memory and strings': ['__memmove_avx_unaligned_erms', 'strlen', '__strlen_avx2'],
	printing: ['vfprintf', '_IO_file_xsputn'],
	'start of a thread': ['start_thread', 'clone3', '__libc_start_call_main', 'execute_native_thread_routine', 'main'],
	'end of the program': ['exit', '__run_exit_handlers'],
	'Rust standard library': [
		'alloc::vec::Vec<T>::push',
		'hashbrown::map::HashMap<K,V>::insert',
		{ function: 'x', file: '/rustc/abc/library/core/src/option.rs' },
	],
	'C++ standard library': ['std::vector<int>::at(unsigned long)', '__gnu_cxx::new_allocator<int>::deallocate(int*)'],
	'tiered storage': ['milvus::cachinglayer::CellAccessor<milvus::GroupChunk>::get_cell_of(long)'],
	'threads and futures of the program': ['milvus::futures::Future<int>::asyncProduce()', 'milvus::ThreadPool::Worker()'],
	'library that carries calls': [
		'folly::Executor::add',
		'boost::asio::run',
		'nlohmann::json::at',
		'GOMP_parallel',
		'google.golang.org/grpc.(*Server).serve',
	],
	'Go standard library': [
		'sort.medianOfThree',
		'encoding/json.(*Decoder).Decode',
		'internal/sync.runtime_SemacquireMutex',
		'sync.(*Mutex).Lock',
	],
	'of the program': [
		'knowhere::Index::Search',
		'faiss::IndexIVF::search',
		'github.com/milvus-io/milvus/internal/proxy.(*Proxy).Search',
		{ function: 'copy_and_find', file: '/x/simdjson-src/y.h' },
		{ module: '/milvus/lib/libknowhere.so' },
	],
	"C of the program's libraries": [{ function: 'Search', module: '/milvus/lib/libmilvus_segcore.so' }],
	'system library without names': [{ module: libc }, { module: '/usr/lib/libstdc++.so.6.0.30' }],
};

describe('each rule knows what it is for', () => {
	for (const { id, is } of frameRules) {
		test(id, () => {
			expect(examples[id]).toBeDefined();
			for (const example of examples[id] ?? []) {
				const one = typeof example === 'string' ? frame(example) : ({ offset: '0x1', ...example } as Frame);
				expect({ example, ...classify(one) }).toMatchObject({ example, rule: id, is });
			}
		});
	}
});

describe('whatever only ends the process, or reports its end, is not to blame', () => {
	const classes: readonly FrameClass[] = ['death'];
	for (const { id } of frameRules.filter(({ is }) => classes.includes(is))) {
		test(id, () => {
			for (const example of examples[id] ?? [])
				expect(blamed([frame(example as string, { module: libc }), own])).toMatchObject({ function: own.function, confidence: 'high' });
		});
	}
});

describe('the culprit of a stack', () => {
	test('is its top frame, if that ends nothing', () => {
		expect(blamed([own, frame('main')])).toMatchObject({ function: own.function, rule: 'top frame' });
	});

	test('stands behind the last signal trampoline: handlers raise anew, more than once', () => {
		const stack = ['raise', 'abort', '<signal handler called>', 'raise', 'milvus::OldHandler', '<signal handler called>'].map((name) =>
			frame(name),
		);
		expect(blamed([...stack, own])).toMatchObject({ function: own.function, rule: 'first of the program, behind a signal handler' });
	});

	test('stands behind the last Go panic, past those that recover and panic again', () => {
		const stack = [
			'runtime.gopanic',
			'github.com/milvus-io/milvus/pkg/util/conc.(*Pool[...]).Submit.func1.1',
			'runtime.gopanic',
			'runtime.panicmem',
			'runtime.sigpanic',
			'github.com/milvus-io/milvus/internal/storage.(*DataSorter).Swap',
			'sort.medianOfThree',
		].map((name) => frame(name));
		expect(blamed(stack)).toMatchObject({ function: 'github.com/milvus-io/milvus/internal/storage.(*DataSorter).Swap' });
	});

	test('is of the program rather than of a library above it, and then less sure', () => {
		expect(blamed([frame('thirdparty::Parse'), own])).toMatchObject({ function: own.function, confidence: 'medium' });
		expect(blamed([frame('thirdparty::Parse'), frame('main')])).toMatchObject({ function: 'thirdparty::Parse', confidence: 'high' });
	});

	test('of what was inlined into one call is the function that exists', () => {
		const at = (name: string, pc: `0x${string}`, file: string) => frame(name, { pc, file });
		const stack = [
			at('_mm256_loadu_si256', '0x10', '/usr/lib/gcc/x86_64-linux-gnu/9/include/avxintrin.h'),
			at('load', '0x10', '/x/simdjson-src/haswell/simd.h'),
			at('copy_and_find', '0x10', '/x/simdjson-src/haswell/stringparsing.h'),
			at('parse_string', '0x20', '/x/simdjson-src/stage2.h'),
		];
		expect(blamed(stack)).toMatchObject({ function: 'copy_and_find' });
	});

	test('is the caller of a jump to nowhere', () => {
		expect(blamed([{ pc: '0x0' }, own], { isBadJump: true })).toMatchObject({
			function: own.function,
			rule: 'first of the program, behind a bad jump',
			confidence: 'high',
		});
		expect(blamed([{ pc: '0x7f00' }, own])).toMatchObject({ rule: 'first of the program, behind code without a name', confidence: 'low' });
		expect(blamed([{ pc: '0x0' }])).toBeUndefined();
	});

	test('is not a name that the system knows too, when the program itself has a function of that name', () => {
		expect(blamed([frame('raise', { file: '/src/engine/raise.cc', line: 7 }), frame('main')])).toMatchObject({ function: 'raise' });
		expect(blamed([frame('raise', { file: '../sysdeps/posix/raise.c', line: 26 }), own])).toMatchObject({ function: own.function });
	});

	test('stands for C code that has no frames', () => {
		const stack = ['runtime.cgocall', 'github.com/tecbot/gorocksdb._Cfunc_rocksdb_get', 'github.com/milvus-io/milvus/internal/x.Get'].map(
			(name) => frame(name),
		);
		expect(blamed(stack)).toMatchObject({
			function: 'github.com/tecbot/gorocksdb._Cfunc_rocksdb_get',
			rule: 'C code called from Go',
			confidence: 'medium',
		});
	});

	test('is only a victim where the heap is damaged', () => {
		expect(blamed([frame('_int_free'), frame('operator delete(void*)'), own])).toMatchObject({
			function: own.function,
			confidence: 'low',
			rule: 'victim of a damaged heap',
		});
		expect(blamed([frame('abort'), own], { kind: 'heap corruption' })).toMatchObject({ confidence: 'low' });
	});

	test('was caught in the act where the compiler checks the stack, or the size of a copy', () => {
		for (const check of ['__stack_chk_fail', '__fortify_fail', '__memcpy_chk_fail'])
			expect(blamed([frame('abort'), frame(check), own], { kind: 'heap corruption' })).toMatchObject({ confidence: 'high' });
	});

	test('may have a line of a header of the standard library, inlined into it', () => {
		for (const [name, file] of [
			['engine::Load', '/usr/include/c++/12/bits/new_allocator.h'],
			['engine::index::load', '/rustc/59807616e/library/core/src/option.rs'],
		] as const)
			expect(blamed([frame(name, { file }), frame('main')])).toMatchObject({ function: name });
	});

	test('is called by functions, not by bare addresses', () => {
		const verdict = judge([{ frames: [own, { pc: '0x360753a9e1e0' }, frame('milvus::Serve'), { pc: '0x0' }] }], native);
		expect(verdict?.path.map(({ name }) => name)).toEqual(['milvus::segcore::Search', 'milvus::Serve']);
	});

	test('is nobody in a stack of nothing but runtime, end and waiting', () => {
		for (const names of [
			[],
			['raise', 'abort'],
			['runtime.raise'],
			['epoll_wait', 'milvus::Serve'],
			['std::_Rb_tree<int>::_M_insert_node(int)'],
		])
			expect(blamed(names.map((name) => frame(name, { module: libc })))).toBeUndefined();
	});

	test('is the standard library only on a type of the program', () => {
		expect(blamed([frame('std::default_delete<milvus::VectorBase>::operator()(milvus::VectorBase*) const')])).toMatchObject({
			confidence: 'low',
		});
	});

	test('without names is not the raise itself', () => {
		const stack = [frame(undefined), frame(undefined, { offset: '0x2000' })];
		expect(blamed(stack, { isRaised: true })).toMatchObject({ offset: '0x2000', confidence: 'medium' });
		expect(blamed(stack)).toMatchObject({ offset: '0x1000' });
	});

	test('in stripped libraries stands behind their nameless frames', () => {
		const stack = [
			frame(undefined, { module: libc }),
			frame('raise', { module: libc }),
			frame(undefined, { module: '/usr/lib/libstdc++.so.6.0.30' }),
			frame('std::terminate()'),
			own,
		];
		expect(blamed(stack)).toMatchObject({ function: own.function });
	});

	test('is not a name that is cut in its middle', () => {
		expect(judge([{ frames: [frame('runtime.sigpanic'), frame('github.com/milvus-io/mi')], isCut: true }], native)).toBeUndefined();
		expect(
			judge([{ frames: [frame('runtime.sigpanic'), frame('github.com/milvus-io/mi', { file: '/x.go' })], isCut: true }], native),
		).toBeDefined();
	});
});

describe('the thread to blame', () => {
	const idle = { frames: [frame('epoll_wait', { module: libc }), frame('milvus::Serve')] };
	const innocent = { frames: [frame('milvus::Compact')] };
	const handling = { frames: [frame('wrapHandler'), frame('<signal handler called>'), own] };

	test("is the core's own", () => expect(judge([innocent, handling], native)?.thread).toBe(0));
	test('else one with a handler in its stack, not one that only worked', () =>
		expect(judge([idle, innocent, handling], native)?.thread).toBe(2));
	test('else none', () => expect(judge([idle, innocent], native)).toBeUndefined());
	test('of a log is the first with anything to blame', () =>
		expect(judge([idle, innocent, handling], { ...native, among: 'all' })?.thread).toBe(1));
});

test('without a stack the program counter is a guess, and none in the C library', () => {
	expect(culpritByCounter(frame(undefined))?.culprit).toMatchObject({
		module: '/milvus/bin/milvus',
		offset: '0x1000',
		rule: 'program counter',
		confidence: 'low',
	});
	expect(culpritByCounter(frame(undefined, { module: libc }))).toBeUndefined();
	expect(culpritByCounter({ pc: '0x10' })).toBeUndefined();
});

describe('what ended the process', () => {
	const none = { coreSignal: null, faults: [], statements: [], frames: [], pid: 7 } as const;
	const fault = { number: 11, name: 'SIGSEGV', code: 1, codeName: 'SEGV_MAPERR', address: '0x10' } as const;
	const panic = { at: 1, is: 'go panic', message: 'index out of range [7]' } as const;

	test('is what the core says, where a log tells of another death', () => {
		for (const statement of [panic, { at: 1, is: 'exit', level: 'FATAL', message: 'no disk' }, { at: 1, is: 'exception' }] as const) {
			const death = deathOf({ ...none, coreSignal: fault, statements: [statement] });
			expect(death).toMatchObject({ kind: 'fault', signal: fault, message: null, isContradicted: true });
		}
	});

	test('is what the log says, where the process raised the signal itself', () => {
		const raised = { number: 6, name: 'SIGABRT', code: -6, codeName: 'SI_TKILL' };
		expect(deathOf({ ...none, coreSignal: raised, statements: [panic] })).toMatchObject({ kind: 'go panic', isContradicted: false });
	});

	test('of lines that lead to an exit is the last', () => {
		const lines = ['connection lost', 'disconnected from etcd'].map(
			(message, at) => ({ at, is: 'exit', level: 'ERROR', message }) as const,
		);
		expect(deathOf({ ...none, statements: lines })).toMatchObject({ kind: 'deliberate exit', message: 'disconnected from etcd' });
	});
});

describe('a Go panic has the same type', () => {
	const types: Readonly<Record<string, readonly [message: string, raisedBy: string]>> = {
		nil: ['runtime error: invalid memory address or nil pointer dereference', 'runtime.sigpanic'],
		bounds: ['runtime error: index out of range [3] with length 2', 'runtime.goPanicIndex'],
		divide: ['runtime error: integer divide by zero', 'runtime.panicdivide'],
		channel: ['close of closed channel', 'runtime.closechan'],
		conversion: ['interface conversion: interface {} is nil, not string', 'runtime.panicdottypeE'],
		value: ['All attempts results:', 'runtime.gopanic'],
	};
	for (const [type, [message, raisedBy]] of Object.entries(types)) {
		test(`${type}, told by its value or by its stack`, () => {
			expect([goPanicType(message, []), goPanicType(null, [classify(frame(raisedBy)), classify(own)])]).toEqual([type, type]);
		});
	}
});
