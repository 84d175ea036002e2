import { PF_X, type ProgramHeader, PT_LOAD, type SectionHeader, SHF_EXECINSTR } from '../elf/elf.ts';

/** Where a file's code is, by linked addresses. */
export type Areas = {
	/** The end of the code that a symbol is in: of its section, or of the segment where no header tells of that section. Undefined if it is no code. */
	endOfCode(section: number, address: number): number | undefined;
};

/** From here on numbers do not count sections. */
const SHN_LORESERVE = 0xff00;

type Area = { readonly start: number; readonly end: number; readonly isCode: boolean };

export function areasOf(sections: readonly SectionHeader[], segments: readonly ProgramHeader[]): Areas {
	const known = sections.map(({ sh_flags, sh_addr, sh_size }) => area(sh_addr, sh_size, (sh_flags & SHF_EXECINSTR) !== 0n));
	const loaded = segments
		.filter(({ p_type }) => p_type === PT_LOAD)
		.map(({ p_flags, p_vaddr, p_memsz }) => area(p_vaddr, p_memsz, (p_flags & PF_X) !== 0));
	const holds = ({ start, end }: Area, address: number) => start <= address && address < end;
	return {
		endOfCode(section, address) {
			const found = (section < SHN_LORESERVE ? known[section] : undefined) ?? loaded.find((segment) => holds(segment, address));
			return found?.isCode && holds(found, address) ? found.end : undefined;
		},
	};
}

const area = (start: bigint, size: bigint, isCode: boolean): Area => ({ start: Number(start), end: Number(start + size), isCode });
