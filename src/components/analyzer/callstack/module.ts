import type { ByteSource } from '../../../readers/bytes/bytes.ts';
import { PF_X, type ProgramHeader, PT_LOAD, programHeaders, readElfHeader } from '../../../readers/elf/elf.ts';
import { openPclntab, type Pclntab, PclntabError } from '../../../readers/gopclntab/gopclntab.ts';
import { type CallFrames, callFrames, UnwindError } from '../../../readers/unwind/unwind.ts';

/** An executable or library of the process, of which the file is here. */
export type CodeModule = {
	readonly path: string;
	readonly source: ByteSource;
	/** Of its debug information, where that is apart. */
	readonly debugFile?: string | undefined;
	/** What is added to the addresses for which it was linked. */
	readonly bias: bigint;
	/** Absent where it has none. */
	readonly frames?: CallFrames | undefined;
	/** Of a Go program. */
	readonly go?: Pclntab | undefined;
	/** What of it could not be read, in words. */
	readonly problems: readonly string[];
	/** Whether the file has code for an address of the process. */
	isCode(address: bigint): boolean;
	/** As the file has it at an address of the process; undefined where it has not all of that. */
	read(address: bigint, length: number): Promise<Buffer | undefined>;
};

/** Reads headers only. What is damaged in it is told, and the rest used. */
export async function codeModule(
	path: string,
	source: ByteSource,
	bias: bigint,
	{ debugFile }: { readonly debugFile?: { readonly file: string } | undefined } = {},
): Promise<CodeModule> {
	const problems: string[] = [];
	const attempt = async <T>(open: (source: ByteSource) => Promise<T>, what: string): Promise<T | undefined> => {
		try {
			return await open(source);
		} catch (error) {
			if (!(error instanceof UnwindError || error instanceof PclntabError)) throw error;
			problems.push(`${what} of ${path} can't be read: ${error.message}`);
			return undefined;
		}
	};
	const segments = await loadsOf(source);
	return {
		path,
		source,
		bias,
		problems,
		debugFile: debugFile?.file,
		frames: await attempt(callFrames, 'the call frame information'),
		go: await attempt(openPclntab, "Go's table of functions"),
		isCode(address) {
			const linked = BigInt.asUintN(64, address - bias);
			return segments.some((one) => (one.p_flags & PF_X) !== 0 && one.p_vaddr <= linked && linked < mappedEnd(one));
		},
		async read(address, length) {
			const linked = BigInt.asUintN(64, address - bias);
			const segment = segments.find((one) => one.p_vaddr <= linked && linked + BigInt(length) <= mappedEnd(one));
			if (!segment) return undefined;
			const bytes = await source.read(Number(segment.p_offset + linked - segment.p_vaddr), length);
			return bytes.length === length ? bytes : Buffer.concat([bytes], length); // behind the end of the file are zeros
		},
	};
}

/** Files are mapped by pages. */
const mappedEnd = ({ p_vaddr, p_filesz }: ProgramHeader) => (p_vaddr + p_filesz + 0xfffn) & ~0xfffn;

async function loadsOf(source: ByteSource): Promise<ProgramHeader[]> {
	const header = await readElfHeader(source);
	if (!header) return [];
	return (await programHeaders(source, header)).filter(({ p_type }) => p_type === PT_LOAD);
}
