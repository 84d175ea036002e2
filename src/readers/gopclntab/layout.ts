/**
 * What differs between the layouts, each named after the release that began it. Offsets and sizes are in bytes, names those of
 * runtime/symtab.go and runtime/runtime2.go.
 *
 * @see https://github.com/golang/go/blob/master/src/internal/abi/symtab.go PCLnTabMagic
 */
export type Layout = {
	readonly since: '1.16' | '1.18' | '1.20';
	readonly magic: number;
	/** Where the offsets of the tables begin in `pcHeader`. */
	readonly funcnameOffset: number;
	/** One of the two fields in `functab`: an address, or since 1.18 a distance from the start of the text. */
	readonly functabFieldSize: 4 | 8;
	readonly _func: {
		/** `entry` or `entryoff`, with which it begins. */
		readonly entrySize: 4 | 8;
		readonly startLine?: number;
		readonly funcID: number;
		readonly size: number;
	};
	/** Of `funcdata`: an address, or since 1.18 a distance from `moduledata.gofunc`. */
	readonly funcdataSize: 4 | 8;
	readonly inlinedCall: { readonly size: number; readonly nameOff: number; readonly parentPc: number };
};

const inlinedCall116 = { size: 20, nameOff: 12, parentPc: 16 };

export const layouts: readonly Layout[] = [
	{
		since: '1.16',
		magic: 0xfffffffa,
		funcnameOffset: 24,
		functabFieldSize: 8,
		_func: { entrySize: 8, funcID: 40, size: 44 },
		funcdataSize: 8,
		inlinedCall: inlinedCall116,
	},
	{
		since: '1.18',
		magic: 0xfffffff0,
		funcnameOffset: 32,
		functabFieldSize: 4,
		_func: { entrySize: 4, funcID: 36, size: 40 },
		funcdataSize: 4,
		inlinedCall: inlinedCall116,
	},
	{
		since: '1.20',
		magic: 0xfffffff1,
		funcnameOffset: 32,
		functabFieldSize: 4,
		_func: { entrySize: 4, startLine: 36, funcID: 40, size: 44 },
		funcdataSize: 4,
		inlinedCall: { size: 16, nameOff: 4, parentPc: 8 },
	},
];

/** Of releases before 1.16, whose tables are not read here. */
export const olderMagics: readonly number[] = [0xfffffffb];
