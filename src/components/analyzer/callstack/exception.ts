import type { Memory } from '../../../readers/unwind/unwind.ts';
import type { StackFrame } from '../stacks.ts';
import { word } from './goroutine.ts';
import type { WalkedFrame } from './walk.ts';

/** A C++ exception that nobody caught. */
export type Exception = {
	readonly type: string;
	/** What its `what()` would answer, of classes whose layout is known. */
	readonly message: string | null;
};

/**
 * Looks for it on a stack: its header bears a mark, and what carries it to its handlers keeps pointers to it there (libstdc++: unwind-cxx.h,
 * `struct __cxa_exception`). The type is mangled.
 *
 * @param frames with what each is called
 */
export async function exceptionOn(
	frames: readonly { readonly frame: WalkedFrame; readonly calls: readonly StackFrame[] }[],
	memory: Memory,
): Promise<Exception | undefined> {
	for (const pointer of await likelyPointers(frames, memory)) {
		const thrown = await thrownAt(pointer, memory);
		const typeInfo = thrown === undefined ? undefined : await word(thrown - 112n, memory);
		if (thrown === undefined || typeInfo === undefined) continue;
		const types = await typeAndBases(typeInfo, memory);
		if (types[0] !== undefined) return { type: types[0], message: await messageOf(types, thrown, memory) };
	}
	return undefined;
}

/** The innermost of a stack, in which an exception shows. */
const mostFrames = 60;
const throwers = /__cxa_throw|__cxa_rethrow|terminate|rethrow_exception|_Unwind_/;
const mostStackBytes = 65_536;

/** What stands on the stack between the end of the process and the frame that threw, if anything was thrown. A handler of the end may run on a stack of its own. */
async function likelyPointers(frames: Parameters<typeof exceptionOn>[0], memory: Memory): Promise<Iterable<bigint>> {
	const nearest = frames.slice(0, mostFrames);
	const thrower = nearest.findLastIndex(({ calls }) => calls.some((call) => throwers.test(call.function ?? '')));
	const low = frames[nearest.findLastIndex(({ frame }) => frame.isSignalFrame) + 1]?.frame.stackPointer;
	const high = (frames[thrower + 1] ?? frames[thrower])?.frame.stackPointer;
	if (thrower < 0 || low === undefined || high === undefined) return [];
	const size = Math.min(high > low ? Number(high - low) : 0, mostStackBytes - 512) + 512;
	const found = await memory(low, size & ~7);
	const stack = found ? Buffer.from(found) : Buffer.alloc(0);
	return new Set(Array.from({ length: stack.length / 8 }, (_, index) => stack.readBigUInt64LE(index * 8)));
}

/** `GNUCC++` and a zero, from its end; with 1 instead of the zero for what stands for another one that was kept (std::rethrow_exception). */
const [primary, dependent] = [0x47_4e_55_43_43_2b_2b_00n, 0x47_4e_55_43_43_2b_2b_01n];

async function thrownAt(pointer: bigint, memory: Memory): Promise<bigint | undefined> {
	if (pointer % 8n !== 0n || pointer < 4096n) return undefined;
	const mark = await word(pointer, memory);
	if (mark === dependent) return word(pointer - 80n, memory);
	return mark === primary ? pointer + 32n : undefined;
}

const mostBases = 20;
const singleInheritance = 'N10__cxxabiv120__si_class_type_infoE';

/** Mangled names of a class and of those that it inherits from singly (Itanium C++ ABI, section 2.9.5). */
async function typeAndBases(typeInfo: bigint, memory: Memory): Promise<string[]> {
	const names: string[] = [];
	for (let at: bigint | undefined = typeInfo; at !== undefined && names.length < mostBases; ) {
		const [kind, name]: (bigint | undefined)[] = [await word(at, memory), await word(at + 8n, memory)];
		const text: string | undefined = name === undefined ? undefined : await cString(name, 1000, memory);
		if (kind === undefined || text === undefined) break;
		names.push(text.replace(/^\*+/, ''));
		at = (await nameOfKind(kind, memory)) === singleInheritance ? await word(at + 16n, memory) : undefined;
	}
	return names;
}

/** What a type_info is itself: before the functions of its class stands the type_info of that. */
async function nameOfKind(table: bigint, memory: Memory): Promise<string | undefined> {
	const typeInfo = await word(table - 8n, memory);
	const name = typeInfo === undefined ? undefined : await word(typeInfo + 8n, memory);
	return name === undefined ? undefined : cString(name, 100, memory);
}

async function messageOf(types: readonly string[], thrown: bigint, memory: Memory): Promise<string | null> {
	const found = await memory(thrown, 24);
	if (!found) return null;
	const [first, second, third] = [found.readBigUInt64LE(0), found.readBigUInt64LE(8), found.readBigUInt64LE(16)];
	if (types[0] === 'PKc' || types[0] === 'Pc') return (await cString(first, 4000, memory)) ?? null;
	if (types.includes('St13runtime_error') || types.includes('St11logic_error')) return (await cString(second, 4000, memory)) ?? null;
	const isString = types.includes('St9exception') && third > 0n && third < 4000n; // a std::string of its own
	return (isString && (await memory(second, Number(third)))?.toString()) || null;
}

/** Page by page, since behind its end there may be no memory. */
export async function cString(address: bigint, most: number, memory: Memory): Promise<string | undefined> {
	const pieces: Buffer[] = [];
	for (let length = 0; length < most; ) {
		const at = address + BigInt(length);
		const piece = await memory(at, Math.min(4096 - Number(at % 4096n), most - length));
		if (!piece) return undefined;
		const end = piece.indexOf(0);
		pieces.push(Buffer.from(end < 0 ? piece : piece.subarray(0, end)));
		if (end >= 0) break;
		length += piece.length;
	}
	return Buffer.concat(pieces).toString();
}
