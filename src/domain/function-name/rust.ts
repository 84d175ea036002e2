/** Characters that Rust's legacy mangling has no other way to write: rustc_symbol_mangling, legacy.rs. */
const escapes: ReadonlyMap<string, string> = new Map([
	['SP', '@'],
	['BP', '*'],
	['RF', '&'],
	['LT', '<'],
	['GT', '>'],
	['LP', '('],
	['RP', ')'],
	['C', ','],
]);

/** Undoes the escapes that demanglers for C++ leave: `_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$…$GT$` is `<alloc::vec::Vec<T> as …>`. */
export function withoutRustEscapes(text: string): string {
	if (!/\$(?:LT|RF|BP|u20|u7b)\$|::h[0-9a-f]{16}/.test(text)) return text;
	return text
		.replace(/(^|::)_(?=\$)/g, '$1')
		.replace(/\$(?:([A-Z]{1,2})|u([0-9a-f]{1,5}))\$/g, (all, name?: string, code?: string) => decoded(name, code) ?? all)
		.replaceAll('..', '::');
}

function decoded(name: string | undefined, code: string | undefined): string | undefined {
	if (name !== undefined) return escapes.get(name);
	const point = Number.parseInt(code ?? '', 16);
	return point >= 0x20 && point < 0xd800 ? String.fromCodePoint(point) : undefined;
}
