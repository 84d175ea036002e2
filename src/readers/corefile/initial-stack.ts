import { fileNameText } from '../../base/filename.ts';

/**
 * What execve(2) left at the top of the first thread's stack: argument strings, environment strings, the arrays that point to them,
 * and the auxiliary vector, which a note of the core repeats and by which it is found.
 */
export type InitialStack = { readonly arguments: readonly string[]; readonly environment: Readonly<Record<string, string>> };

/** How much of the stack's top is looked at. Strings may take up to a quarter of the stack limit; more than this is left unread. */
export const initialStackBytes = 512 * 1024;

/** AT_EXECFN: the path as it was executed, the highest string of all. */
export const AT_EXECFN = 31;

/** More of it than this is left out of the command line: a report is for people. */
const mostArgumentBytes = 16 * 1024;
const mostVariableBytes = 4 * 1024;

/**
 * @param top the highest bytes of the stack
 * @param address where `top` begins in the process
 * @param environmentNames only these variables are taken: others may hold secrets
 */
export function initialStack(
	top: Buffer,
	address: bigint,
	auxv: ReadonlyMap<number, bigint>,
	environmentNames: readonly string[],
): InitialStack | undefined {
	const auxvAt = top.lastIndexOf(auxvBytes(auxv));
	if (auxv.size === 0 || auxvAt < 0) return undefined;
	const environment = pointersBelow(top, address, auxvAt);
	const commandLine = pointersBelow(top, address, environment.start);

	const args: string[] = [];
	let spare = mostArgumentBytes;
	for (const offset of commandLine.offsets) {
		const argument = stringAt(top, offset, spare);
		args.push(fileNameText(argument));
		spare -= argument.length + 1;
		if (spare <= 0) break;
	}

	const variables: [string, string][] = [];
	for (const offset of environment.offsets) {
		const name = environmentNames.find((name) => top.subarray(offset, offset + name.length + 1).equals(Buffer.from(`${name}=`)));
		if (name) variables.push([name, fileNameText(stringAt(top, offset + name.length + 1, mostVariableBytes))]);
	}
	return { arguments: args, environment: Object.fromEntries(variables) };
}

/** The array of pointers into `top` whose closing null stands right below `end`; as offsets in `top`. */
function pointersBelow(top: Buffer, address: bigint, end: number): { readonly offsets: readonly number[]; readonly start: number } {
	const offsets: number[] = [];
	let at = end - 16;
	for (; at >= 0; at -= 8) {
		const offset = top.readBigUInt64LE(at) - address;
		if (offset < 0n || offset >= BigInt(top.length)) break;
		offsets.push(Number(offset));
	}
	return { offsets: offsets.reverse(), start: at + 8 };
}

function stringAt(top: Buffer, offset: number, most: number): Buffer {
	const bytes = top.subarray(offset, offset + most);
	const end = bytes.indexOf(0);
	return end < 0 ? bytes : bytes.subarray(0, end);
}

function auxvBytes(auxv: ReadonlyMap<number, bigint>): Buffer {
	const words = [...auxv].flat().map(BigInt);
	const bytes = Buffer.alloc(words.length * 8);
	for (const [index, word] of words.entries()) bytes.writeBigUInt64LE(word, index * 8);
	return bytes;
}
