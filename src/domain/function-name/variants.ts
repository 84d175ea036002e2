import { match } from './scan.ts';

/** Suffixes of the copies that GCC and LLVM make of a function; a number alone is GCC's for a nested function. */
const clone =
	/\.(?:(?:constprop|isra|part|lto_priv|_omp_fn|llvm|clone)(?:\.\d+)+|(?:cold|localalias|\d+)(?:\.\d+)*|resume|destroy|cleanup|actor)(?!\w)/y;

/** Whether a clone's suffix begins at a place: `.constprop.0`, `.cold`, `.llvm.1234`. */
export const isCloneSuffix = (text: string, at: number) => match(clone, text, at) !== undefined;

const simd = 'avx512(?:bw|dq|f|fp16|icx|skx|spr|vbmi|vl|vnni|_?vpopcntdq)?|avx2?|ssse3|sse(?:2|3|4(?:_?[12])?)?|neon|sve2?|rvv';
const simdSuffix = new RegExp(`(?<=[A-Za-z0-9])_(?:${simd})$`);
const simdNamespace = new RegExp(`^(?:${simd})$`);
/** The kernels that knowhere has for processors without any of these: `fvec_L2sqr_ref`. `_ref` elsewhere is a word (`add_ref`). */
const referenceKernel = /^((?:f|i|bf16_|fp16_|int8_|u?int8_|binary_)vec_\w+)_ref$/;

/** One name for the variants of a kernel that a program chooses by the processor: `fvec_L2sqr_avx512` is `fvec_L2sqr`. */
export function withoutProcessor(name: string): string {
	let rest = name;
	for (let shorter = cut(rest); shorter !== rest; shorter = cut(rest)) rest = shorter;
	return rest;
}

const cut = (name: string) => (name.length > 255 ? name : name.replace(simdSuffix, '').replace(referenceKernel, '$1'));

/** glibc's functions for memory and strings, by processor: `__memmove_avx_unaligned_erms`. */
const libcVariant =
	/^__((?:mem|str|stp|wcs|wmem|rawmem)[a-z]*)((?:_chk)?)(?:_(?:avx512|avx2?|evex(?:512|256)?|ssse3|sse\d?|sse4_[12a]|asimd|generic|simd|unaligned|erms|rtm|movbe|no_vzeroupper|back|mte|mops|falkor|thunderx2?|a64fx|zva64|emag|kunpeng|oryon1|nosimd|sve|vx|z13|c|ifunc))+$/;

/** cgo's wrappers have a hash of the package in their names: `_cgo_8f2bbe1d6dd2_Cfunc_rocksdb_close`. */
const cgoHash = /^(_cgo|_cgoexp)_[0-9a-f]{12}_/;

/** The name of a C function without glibc's marks of its own aliases and variants, and without cgo's hashes. */
export function plainCName(name: string): string {
	const plain = name.replace(/^(?:__GI_)+/, '');
	if (plain.length > 255) return plain;
	return plain
		.replace(cgoHash, '$1_')
		.replace(libcVariant, (_, function_: string, check: string) => (check ? `__${function_}${check}` : function_));
}

/** Inline namespaces, which tell a library's version or ABI, and namespaces of one processor: anywhere, and within certain ones. */
const invisible = /^(?:__\d+|__ndk\d+|__cxx11|__v\d+)$/;
const invisibleIn: ReadonlyMap<string | undefined, RegExp> = new Map([
	['std', /^_V\d+$/],
	['chrono', /^_V\d+$/],
	['experimental', /^[a-z_]+_v\d+$/],
	['nlohmann', /^json_abi\w*$/],
	['fmt', /^v\d+$/],
	['absl', /^lts_\d+$/],
	['opentelemetry', /^v\d+$/],
	['log', /^v\d+s?_(?:mt|st)\w*$/],
	['simdjson', /^(?:haswell|icelake|westmere|arm64|ppc64|lsx|lasx|fallback)$/],
	['detail', /^(?:x86|arm)$/],
]);

/** The steps of a name without the namespaces that nobody wrote, and that differ from build to build. */
export function visibleSteps<T extends { readonly name: string }>(steps: readonly T[]): T[] {
	const visible: T[] = [];
	for (const [index, step] of steps.entries()) {
		const isLast = index === steps.length - 1;
		if (isLast || !isInvisible(step.name, visible.at(-1)?.name)) visible.push(step);
	}
	return visible;
}

const isInvisible = (name: string, within: string | undefined) =>
	name.length < 40 && (invisible.test(name) || simdNamespace.test(name) || invisibleIn.get(within)?.test(name) === true);
