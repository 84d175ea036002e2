import { basename } from 'node:path';
import { hex } from '../../../base/hex.ts';
import { initialStackBytes, moduleHeadBytes } from '../../../readers/corefile/corefile.ts';
import { PF_W, PF_X, type ProgramHeader } from '../../../readers/elf/elf.ts';
import { type Keeping, pageBytes } from './keeping.ts';

const [AT_EXECFN, AT_SYSINFO_EHDR] = [31, 33];
/** Of one segment, and of all together. */
const [mostOfSegment, mostGlobals] = [2 << 20, 16 << 20];
/** What stands right behind a module's data, without a file: its variables that begin as zeros. */
const mostOfZeroed = 256 * 1024;
/** An anonymous mapping as small as this is kept whole: what the loader allocates, the message of an abort. */
const mostOfAnonymous = 64 * 1024;
const mostOfKernel = 64 * 1024;

/** Keeps what modules have in memory: their heads, by which they are known, the kernel's own whole; their data; and the initial stack. */
export function keepImages(keeping: Keeping): void {
	const { modules, segments, auxv } = keeping.corefile;
	for (const { base } of modules) keeping.keep(BigInt(base), moduleHeadBytes);
	const ofKernel = segments.containing(auxv.get(AT_SYSINFO_EHDR) ?? 0n);
	if (ofKernel) keeping.keep(ofKernel.p_vaddr, Math.min(Number(ofKernel.p_filesz), mostOfKernel));
	const initial = segments.containing(auxv.get(AT_EXECFN) ?? 0n);
	if (initial) {
		const length = Math.min(Number(initial.p_filesz), initialStackBytes);
		keeping.keep(initial.p_vaddr + initial.p_filesz - BigInt(length), length);
	}
	let left = mostGlobals;
	for (const { p_vaddr, p_filesz } of globalsOf(keeping)) {
		left -= Number(p_filesz);
		if (left < 0) return;
		keeping.keep(p_vaddr, Number(p_filesz));
	}
}

/** Segments with the data of modules, those that are smallest first. */
function globalsOf({ corefile: { segments, locate } }: Keeping): ProgramHeader[] {
	const found: ProgramHeader[] = [];
	let endOfModule = 0n;
	for (const segment of segments.loads()) {
		const { p_vaddr, p_memsz, p_filesz, p_flags } = segment;
		const isOfFile = locate(hex(p_vaddr)) !== undefined;
		const most = isOfFile ? mostOfSegment : p_vaddr === endOfModule ? mostOfZeroed : mostOfAnonymous;
		if (isOfFile) endOfModule = p_vaddr + p_memsz;
		if (p_filesz > 0n && p_filesz <= most && (p_flags & PF_X) === 0 && isWritten(segment)) found.push(segment);
	}
	return found.sort((a, b) => Number(a.p_filesz - b.p_filesz));
}

/** What was made read-only once it was relocated is in a core as it was written to; of what was not written to, the first page at most. */
const isWritten = ({ p_flags, p_filesz }: ProgramHeader) => (p_flags & PF_W) !== 0 || p_filesz > pageBytes;

const [mostMessages, mostLibraries] = [64, 8];

/** Keeps what glibc noted when it ended the process itself: a mapping of its own (`struct abort_msg_s`, stdlib/abort.c), to which a variable of glibc's points. */
export async function keepAbortMessage(keeping: Keeping): Promise<void> {
	const { segments, locate } = keeping.corefile;
	let left = mostMessages;
	let libraries = 0;
	for (const { p_vaddr, p_flags, p_filesz } of segments.loads()) {
		const { module } = (p_flags & PF_W) !== 0 ? (locate(hex(p_vaddr)) ?? {}) : {};
		if (module === undefined || !/^libc[.-]/.test(basename(module))) continue;
		if (++libraries > mostLibraries) return;
		// Some of its variables stand behind what the file has of them.
		const data = Math.min(Number(p_filesz), mostOfAnonymous);
		for (const part of [await keeping.read(p_vaddr, data), await keeping.read(p_vaddr + p_filesz, 4 * pageBytes)])
			for (let at = 0; part && at + 8 <= part.length && left > 0; at += 8) {
				const address = part.readBigUInt64LE(at);
				if (address === 0n || address % BigInt(pageBytes) !== 0n || !segments.containing(address)) continue;
				keeping.keep(address, pageBytes);
				left--;
			}
	}
}
