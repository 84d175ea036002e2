import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { normalName, shortName } from '../../src/domain/function-name/function-name.ts';
import { exec, program, temporaryFolder } from '../support/crash.ts';

/** Each with the spellings that compilers, versions, demanglers, debuggers and logs have for it. */
const spellings: Readonly<Record<string, readonly string[]>> = {
	// C, and the names that the C library gives its own
	abort: ['abort', '__GI_abort', 'abort@plt', 'abort@@GLIBC_2.2.5'],
	raise: ['__GI_raise', 'raise@GLIBC_2.2.5', '__GI_raise (sig=sig@entry=6) at ../sysdeps/unix/sysv/linux/raise.c:51'],
	__libc_free: ['__GI___libc_free', '__libc_free'],
	memmove: ['__memmove_avx_unaligned_erms', '__memmove_evex_unaligned', '__memmove_ssse3_back', '__memmove_generic', 'memmove'],
	strlen: ['__strlen_avx2', '__strlen_sse2', '__strlen_evex512', '__strlen_asimd', '__strlen_avx2_rtm'],
	__memcpy_chk: ['__memcpy_chk_avx512_unaligned', '__memcpy_chk'],
	__pthread_kill_implementation: ['__pthread_kill_implementation.constprop.0', '__pthread_kill_implementation'],
	search: ['search.isra.0.cold', 'search.part.12', 'search.lto_priv.3', 'search [clone ._omp_fn.0]', 'search.llvm.1234567890', 'search.1'],
	_cgo_Cfunc_rocksdb_get: ['_cgo_8f2bbe1d6dd2_Cfunc_rocksdb_get', '_cgo_0123456789ab_Cfunc_rocksdb_get'],
	_mm256_loadu_si256: ['_Z18_mm256_loadu_si256PKDv4_x', '_mm256_loadu_si256(long long __vector(4) const*)'],

	// C++: types, arguments, templates
	'std::terminate': ['std::terminate()', '_ZSt9terminatev'],
	'ns::f': [
		'ns::f(int, std::function<void (char)>)',
		'void ns::f<int>(int)',
		'ns::f<(ns::Kind)1, &ns::operator< <int> >',
		'std::enable_if<((sizeof (int))>(4)), void>::type ns::f<int>(int)',
		'std::enable_if<(sizeof (int))<(4), void>::type ns::f<int>(int)',
		'void (*ns::f<int>(int))(char)',
		'decltype ((*{parm#1})()) ns::f<int>(int)',
		'decltype(auto) ns::f<int>(int)',
		'char const* ns::f[abi:cxx11](int)',
		'unsigned long ns::f(int) [clone .cold]',
		'ns::f(int) (.isra.0)',
		'ns::f (value=1, text=...)',
		'ns::__v1::f(long)',
		'_ZN2ns1fEi.part.0',
	],
	'ns::T::f': [
		'ns::T::f(int) const',
		'ns::T::f(int) const &',
		'ns::T::f(int) &&',
		'ns::T::f const',
		'virtual thunk to ns::T::f(int)',
		'non-virtual thunk to ns::T::f(int)',
		'covariant return thunk to ns::T::f(int)',
		'transaction clone for ns::T::f(int) const',
		'_ZNK2ns1T1fEi',
		'_ZThn16_N2ns1T1fEi',
		'_ZTv0_n24_N2ns1T1fEi',
		'__ZNK2ns1T1fEi',
	],
	'ns::T::T': ['ns::T::T(int)', 'ns::T<int>::T(ns::T<int>&&)', '_ZN2ns1TC1Ei', '_ZN2ns1TIiEC2EOS1_'],
	'ns::T::~T': ['ns::T::~T()', '_ZN2ns1TD0Ev', 'non-virtual thunk to ns::T::~T()'],
	'std::basic_string::size': [
		'std::string::size() const',
		'std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::size() const',
		'std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char>>::size[abi:v15006]() const',
		'_ZNKSs4sizeEv',
		'_ZNKSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE4sizeEv',
	],
	'std::chrono::system_clock::now': ['std::chrono::_V2::system_clock::now()', '_ZNSt6chrono3_V212system_clock3nowEv'],
	'nlohmann::basic_json::get': [
		'nlohmann::json_abi_v3_11_2::basic_json<std::map, std::vector>::get<int>() const',
		'nlohmann::json_abi_diag_v3_11_3::basic_json<>::get<long>() const',
		'nlohmann::basic_json<std::map>::get<int>() const',
	],
	'fmt::vformat': ['fmt::v9::vformat(fmt::v9::basic_string_view<char>, int)', 'fmt::v11::vformat'],
	'knowhere::IvfIndexNode::Deserialize': [
		'_ZN8knowhere12IvfIndexNodeIN5faiss12IndexIVFFlatEE11DeserializeERKNS_9BinarySetERKNS_6ConfigE',
		'knowhere::IvfIndexNode<faiss::IndexIVFFlat>::Deserialize(knowhere::BinarySet const&, knowhere::Config const&)',
	],

	// C++: operators
	'ns::T::operator()': ['ns::T::operator()(int) const', 'ns::T::operator()', 'void ns::T::operator()<int>(int)', '_ZN2ns1TclEi'],
	'ns::operator<': ['bool ns::operator< <int>(ns::T<int>)', 'bool ns::operator<<int>(ns::T<int>)', '_ZN2nsltIiEEbNS_1TIT_EE'],
	'std::operator<<': [
		'std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)',
		'std::operator<<<std::char_traits<char>>(std::ostream&, char const*)',
		'_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc',
	],
	'ns::T::operator->': ['ns::T<(ns::Kind)1>::operator->() const', 'ns::T<((1)>(0))>::operator->', '_ZNK2ns1TptEv'],
	'ns::T::operator[]': ['int& ns::T<int[3]>::operator[](long)', '_ZN2ns1TixEl'],
	'ns::T::operator bool': ['ns::T::operator bool() const', '_ZNK2ns1TcvbEv'],
	'ns::T::operator std::basic_string': [
		'ns::T::operator std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >() const',
		'_ZNK2ns1TcvNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEv',
	],
	'operator new[]': ['operator new[](unsigned long)', '_Znam'],
	'operator delete': ['operator delete(void*, unsigned long)', '_ZdlPvm'],
	'ns::operator""_kg': ['ns::operator"" _kg(long double)', 'ns::operator""_kg(long double)', '_ZN2nsli3_kgEe'],

	// C++: what has no name
	'(anonymous namespace)::f': [
		'(anonymous namespace)::f(int)',
		'(anonymous namespace)::f',
		'{anonymous}::f(int)',
		'int <unnamed>::f(int)',
		'_ZN12_GLOBAL__N_11fEi',
	],
	'ns::f::{lambda}': [
		'ns::f(int)::{lambda(int)#1}::operator()(int) const',
		'ns::f(int)::{lambda(auto:1)#2}::operator()<int>(int) const',
		'ns::f(int) const::{lambda()#1}::operator()',
		'ns::f(int)::<lambda(int)>::operator()(int) const',
		'ns::f<int>(...)::<lambda()>',
		"ns::f(int)::'lambda0'(int)::operator()(int) const",
		'ns::f(int)::$_0::operator()(int) const',
		'ns::f(int)::(anonymous class)::operator()(int) const',
		'ns::f(int)::{lambda(int)#1}::_FUN(int)',
		'ns::f(int)::$_1::__invoke(int)',
		'_ZZN2ns1fEiENKUliE_clEi',
		'_ZZN2ns1fEiENK3$_0clEi',
	],
	'ns::f::Local::g': ['ns::f(int)::Local::g(int)', '_ZZN2ns1fEiEN5Local1gEi'],

	// One function for each processor
	'faiss::fvec_L2sqr': ['', '_avx512', '_avx', '_sse', '_neon', '_sve', '_rvv', '_ref'].map(
		(processor) => `faiss::fvec_L2sqr${processor}(float const*, float const*, unsigned long)`,
	),
	'simdjson::ondemand::value::get_string': ['haswell', 'icelake', 'arm64', 'fallback'].map(
		(processor) => `simdjson::${processor}::ondemand::value::get_string(bool)`,
	),
	'milvus::bitset::detail::compare': [
		'milvus::bitset::detail::x86::avx512::compare',
		'milvus::bitset::detail::x86::avx2::compare<long>(int)',
		'milvus::bitset::detail::arm::neon::compare<int>(int)',
	],

	// Go
	'runtime.throw': ['runtime.throw({0x4f4e53a?, 0x2?})', 'runtime.throw(0x262c37d, 0x2a)', 'runtime.throw'],
	'runtime.raise': ['runtime.raise.abi0', 'runtime.raise', 'runtime.raise ()'],
	'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute': [
		'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute(0xc000, {0x1, 0x2}, ...)',
		'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute(...)',
		'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute-fm',
		'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute-range1',
	],
	'github.com/panjf2000/ants.(*goWorker).run.func': [
		'github.com/panjf2000/ants/v2.(*goWorker).run.func1.1',
		'github.com/panjf2000/ants/v2@v2.7.2.(*goWorker).run.func1',
		'github.com/panjf2000/ants/v2@v2.7.3-0.20230101123456-0123456789ab.(*goWorker).run.func1',
		'github.com/panjf2000/ants.(*goWorker).run.func2.deferwrap1()',
		'github.com/milvus-io/milvus/vendor/github.com/panjf2000/ants.(*goWorker).run.gowrap1',
	],
	'github.com/milvus-io/milvus/pkg/util/conc.(*Pool).Submit.func': [
		'github.com/milvus-io/milvus/pkg/util/conc.(*Pool[...]).Submit.func1.1(...)',
		'github.com/milvus-io/milvus/pkg/v2/util/conc.(*Pool[go.shape.struct { F int; g map[string]int }]).Submit.func1',
		'github.com/milvus-io/milvus/pkg/util/conc.(*Pool[int]).Submit.func1',
	],
	'main.Map': ['main.Map[...]({0x1})', 'main.Map[go.shape.int,go.shape.string]', 'main.Map[[]int]'],
	'main.init.func': ['main.glob..func1', 'main.init.func1', 'main.init.func1.2'],
	'gopkg.in/yaml.(*parser).parse': ['gopkg.in/yaml%2ev3.(*parser).parse(0xc000)', 'gopkg.in/yaml.v2.(*parser).parse'],
	'type:.eq.main.T': ['type..eq.main.T', 'type:.eq.main.T'],

	// Rust
	'core::panicking::panic_fmt': [
		'core::panicking::panic_fmt::h0123456789abcdef',
		'core[846817f741e54dfd]::panicking::panic_fmt',
		'core::panicking::panic_fmt',
		'_ZN4core9panicking9panic_fmt17h0123456789abcdefE',
		'_ZN4core9panicking9panic_fmt17h0123456789abcdefE.llvm.1234',
	],
	'<alloc::vec::Vec as core::ops::drop::Drop>::drop': [
		'<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop::h0123456789abcdef',
		'<alloc[0123456789abcdef]::vec::Vec<u8> as core[0123456789abcdef]::ops::drop::Drop>::drop',
		'_$LT$alloc..vec..Vec$LT$T$C$A$GT$$u20$as$u20$core..ops..drop..Drop$GT$::drop::h0123456789abcdef',
		'_ZN70_$LT$alloc..vec..Vec$LT$T$C$A$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE',
	],
	'alloc::vec::Vec::push': ['<alloc::vec::Vec<u8>>::push', 'alloc::vec::Vec<T,A>::push', 'alloc::vec::Vec::push::<u8>'],
	'tantivy_binding::search::{closure}': [
		'tantivy_binding::search::{{closure}}::h0123456789abcdef',
		'tantivy_binding::search::{closure#0}',
		'tantivy_binding[1a2b3c]::search::<u32>::{closure#1}',
		'tantivy_binding::search::_$u7b$$u7b$closure$u7d$$u7d$::h0123456789abcdef',
	],
	'tantivy::index::{impl}::open': ['tantivy::index::{impl#1}::open<u8>(u8)', 'tantivy::index::{{impl}}::open'],
	'core::slice::<impl [T]>::iter': ['core::slice::<impl [T]>::iter', 'core::slice::_$LT$impl$u20$$u5b$T$u5d$$GT$::iter::h0123456789abcdef'],

	// What is left of names that are cut, and what is none
	'milvus::segcore': ['_ZN6milvus7segcore24Segm', 'milvus::segcore', 'milvus::segcore::', 'milvus::segcore(milvus::Js'],
	'milvus::index::VectorMemIndex::LoadWithoutAssemble': [
		'_ZN6milvus5index14VectorMemIndex19LoadWithoutAssembleERKN8knowhere9BinarySetERKN8nlohmann16json_abi_v3_11_210basic_jsonISt3mapSt6vectorNSt7',
	],
	'milvus::f::{lambda}': ['milvus::f(int)::{lambda(milvus::Json const*, int, std::vec', 'milvus::f<long>()::<lambda(mil'],
	'main.(*searchTask)': ['main.(*searchTask).'],
	'<signal handler called>': ['<signal handler called>'],
	'??': ['??'],
	'(null)': ['(null)'],
};

describe('one function is one name, however it is spelt', () => {
	for (const [name, spelt] of Object.entries(spellings)) {
		test(name, () => {
			expect(spelt.map((one) => [one, normalName(one)])).toEqual(spelt.map((one) => [one, name]));
			expect(normalName(name)).toBe(name);
		});
	}
});

test('names that differ in more than spelling stay different', () => {
	const names = [
		...Object.keys(spellings),
		...[
			'f',
			'ns::f::f',
			'ns::g',
			'ns::T::T::f',
			'ns::intrusive_ptr_add_ref',
			'ns::intrusive_ptr_add',
			'ns::T::operator=',
			'ns::T::operator==',
		],
		...['ns::operator<=', 'ns::operator<=>', 'ns::operator<<=', 'ns::operator>', 'ns::operator>>', 'ns::operator,', 'ns::T::operator->*'],
		...[
			'ns::T::operator int',
			'ns::T::operator long',
			'operator new',
			'operator delete[]',
			'ns::(anonymous namespace)::f',
			'std::basic_ostream::size',
		],
		...[
			'memcpy',
			'memset',
			'faiss::fvec_L2sqr_ny',
			'faiss::fvec_inner_product',
			'main.F',
			'main.(*T).F',
			'main.T.F',
			'main.F.func',
			'a/main.F',
		],
		...[
			'k8s.io/api/core/v1.Pod',
			'k8s.io/api/core.Pod',
			'main.init.0',
			'main.init.1',
			'tantivy::search',
			'<A as B>::c',
			'<A as C>::c',
			'<D as B>::c',
		],
		...['tantivy::index_writer_v7::open', 'tantivy::index_writer_v5::open', 'ns::v2::f', 'milvus::segcore::Search', 'A::Search', 'Search'],
	];
	const normal = names.map((name) => normalName(name));
	expect(normal.filter((name, index) => normal.indexOf(name) !== index)).toEqual([]);
});

test('people see the template, the processor and the closure, without what fills a screen', () => {
	const short: readonly (readonly [name: string, short: string])[] = [
		['knowhere::IvfIndexNode<faiss::IndexIVFFlat>::Deserialize(knowhere::BinarySet const&)', 'knowhere::IvfIndexNode<…>::Deserialize'],
		['void milvus::exec::Expr<long>::Run<int>(int) [clone .cold]', 'milvus::exec::Expr<…>::Run<…>'],
		['ns::f(int)::{lambda(int)#1}::operator()(int) const', 'ns::f::{lambda}'],
		['std::__cxx11::basic_string<char>::size() const', 'std::basic_string<…>::size'],
		['std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char)', 'std::operator<< <…>'],
		['faiss::fvec_L2sqr_avx512(float const*)', 'faiss::fvec_L2sqr_avx512'],
		['__memmove_avx_unaligned_erms', '__memmove_avx_unaligned_erms'],
		['_ZN6milvus9SkipIndexD4Ev', 'milvus::SkipIndex::~SkipIndex'],
		[
			'github.com/milvus-io/milvus/pkg/v2/conc.(*Pool[go.shape.int]).Submit.func1.2(0xc00)',
			'github.com/milvus-io/milvus/pkg/v2/conc.(*Pool[...]).Submit.func1.2',
		],
		['<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop::h0123456789abcdef', '<alloc::vec::Vec as core::ops::drop::Drop>::drop'],
	];
	expect(short.map(([name]) => [name, shortName(name)])).toEqual(short);
	for (const [name, shown] of short) expect([shortName(shown), normalName(shown)]).toEqual([shown, normalName(name)]);
});

describe('hostile names', () => {
	const names = [...Object.values(spellings).flat(), ...Object.keys(spellings)];

	test('cut anywhere, a name throws nothing, and its rest is normal', () => {
		for (const name of names) {
			for (let length = 0; length < name.length; length++) {
				const cut = name.slice(0, length);
				const normal = normalName(cut);
				expect([cut, normalName(normal)]).toEqual([cut, normal]);
				const short = shortName(cut);
				expect([cut, shortName(short)]).toEqual([cut, short]);
			}
		}
	});

	test('of any length, a name costs milliseconds, and what is given back is bounded', () => {
		const pieces = [
			'<',
			'(',
			'[',
			'{',
			'((<',
			'a<',
			'<a as ',
			'operator',
			'operator<',
			"'",
			'a::',
			'::',
			' ',
			' const',
			'.',
			'.0',
			'.cold',
			'..',
			'a.b',
			'/',
		];
		pieces.push(
			'/v2',
			'_Z',
			'Z',
			'N',
			'I',
			'1a',
			'9',
			'L',
			'X',
			'Ul',
			'S_',
			'_avx',
			'__GI_',
			'$LT$',
			'$u20$',
			'{{',
			'@',
			'(anonymous namespace)',
			'{lambda(',
		);
		for (const piece of pieces) {
			for (const start of ['', 'a', '_ZN', 'main.', '_$LT$']) {
				const name = start + piece.repeat(1_000_000 / piece.length) + ')]}>'.repeat(10_000);
				const started = performance.now();
				expect(normalName(name).length).toBeLessThanOrEqual(255);
				expect(shortName(name).length).toBeLessThanOrEqual(255);
				expect(performance.now() - started).toBeLessThan(2000);
			}
		}
	});

	test('names that programs of objects have by chance are no surprise', () => {
		for (const name of ['constructor', '__proto__', 'a::constructor::toString', 'toString::__proto__::b', 'hasOwnProperty.valueOf'])
			expect(normalName(name)).toBe(name);
	});
});

const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const output = async (file: string, args: readonly string[]) => lines((await exec(file, args, { maxBuffer: 1 << 28 })).stdout);

/** Symbols as the program's table has them, demangled in one go. */
async function demangled(symbols: readonly string[]): Promise<string[]> {
	await using folder = await temporaryFolder();
	writeFileSync(join(folder.path, 'symbols'), `${symbols.join('\n')}\n`);
	return await output('sh', ['-c', 'exec c++filt <"$0"', join(folder.path, 'symbols')]);
}

const isFunction = (line: string) => / [TtWwi] /.test(line);
const symbolsOf = async (file: string, args: readonly string[]) =>
	(await output('nm', [...args, file])).filter(isFunction).map((line) => line.replace(/^.* [TtWwi] /, ''));

describe('all functions of', () => {
	const libraries = globSync(['/usr/lib/*-linux-gnu/libstdc++.so.6', '/usr/lib/llvm-*/lib/libLLVM*.so.1']);
	const rust = globSync(`${process.env.HOME}/.rustup/toolchains/*/lib/librustc_driver-*.so`).slice(0, 1);
	for (const file of [process.execPath, ...libraries, ...rust]) {
		test(`${file}: their names are settled at once, and mostly the same before demangling`, async () => {
			const symbols = [...new Set((await symbolsOf(file, ['-D', '--defined-only'])).map((symbol) => symbol.replace(/@.*/, '')))].slice(
				0,
				20_000,
			);
			const names = await demangled(symbols);
			let differing = 0;
			for (const [index, name] of names.entries()) {
				const symbol = symbols[index] as string;
				const normal = normalName(name);
				if (normalName(normal) !== normal || normalName(shortName(name)) !== normal) expect.fail(`${name}: ${normal}`);
				if (symbol.startsWith('_Z') && name !== symbol && normalName(symbol) !== normal) differing++;
			}
			expect(names.length).toBeGreaterThan(500);
			expect(differing / names.length).toBeLessThan(0.01);
		}, 60_000);
	}

	const go = globSync(['/usr/local/go/bin/go', '/usr/lib/go-*/bin/go']);
	test.skipIf(go.length === 0)(
		`${go[0]}: their names are settled at once`,
		async () => {
			const names = await output(go[0] as string, ['tool', 'nm', go[0] as string]);
			for (const name of names.filter(isFunction).map((line) => line.replace(/^.* [TtWwi] /, ''))) {
				const normal = normalName(name);
				if (normalName(normal) !== normal || normalName(shortName(name)) !== normal) expect.fail(`${name}: ${normal}`);
			}
		},
		60_000,
	);
});

describe('a real program', () => {
	const isOwn = (symbol: string) => symbol.includes('6sample');
	const namesIn = async (file: string) => new Set((await demangled((await symbolsOf(file, [])).filter(isOwn))).map(normalName));

	test('has the same names from each build', async () => {
		const builds = [
			['-g', '-O0', '-std=c++14'],
			['-O2', '-std=c++20'],
			['-O3', '-std=c++17', '-D_GLIBCXX_USE_CXX11_ABI=0'],
			['-Os', '-fno-inline', '-flto'],
		];
		const [plain = new Set<string>(), ...others] = await Promise.all(
			builds.map(async (flags) => namesIn(await program('names.cc', flags))),
		);
		for (const name of [
			'Both::operator bool',
			'Both::operator<',
			'Buffer::operator<',
			'handler',
			'lambdas::{lambda}',
			'lambdas::Local::twice',
			'distance',
		])
			expect(plain).toContain(`sample::${name}`);
		for (const name of [
			'versioned',
			'(anonymous namespace)::hidden',
			'(anonymous namespace)::Inside::run',
			'Both::operator std::basic_string',
		])
			expect(plain).toContain(`sample::${name}`);
		for (const names of others) {
			expect(names.size).toBeGreaterThan(20);
			expect([...names].filter((name) => !plain.has(name))).toEqual([]);
		}
	}, 120_000);

	test('has the same names in its symbol table, from demanglers, and in gdb', async () => {
		const file = await program('names.cc', ['-g', '-O0', '-std=c++14']);
		const symbols = (await output('nm', [file])).filter((line) => isFunction(line) && isOwn(line)).map((line) => line.split(' '));
		const script = [
			'import gdb',
			`for pc in [${symbols.map(([address]) => `0x${address}`).join(', ')}]:`,
			'    block = gdb.block_for_pc(pc)',
			'    while block and not block.function: block = block.superblock',
			"    print('name', block.function.print_name if block else '')", // thunks have no block
		];
		await using folder = await temporaryFolder();
		writeFileSync(join(folder.path, 'names.py'), `${script.join('\n')}\n`);
		const printed = await output('gdb', ['-nx', '-batch', '-x', join(folder.path, 'names.py'), file]);
		const inGdb = printed.filter((line) => line.startsWith('name ')).map((line) => line.slice('name '.length));
		const names = await demangled(symbols.map(([, , symbol = '']) => symbol));
		expect(inGdb).toHaveLength(symbols.length);
		expect(inGdb.filter((name) => name !== '').length).toBeGreaterThan(30);
		for (const [index, [, , symbol = '']] of symbols.entries()) {
			const normal = normalName(names[index] ?? '');
			expect([symbol, normalName(symbol)]).toEqual([symbol, normal]);
			// gdb leaves out the function around what is local to it, and all of a lambda but its operator.
			const seen = normalName(inGdb[index] ?? '').replace(/^operator\(\)$/, '{lambda}');
			expect(`::${normal}`.endsWith(`::${seen}`) || seen === '' ? [] : [normal, seen]).toEqual([]);
		}
	}, 120_000);
});
