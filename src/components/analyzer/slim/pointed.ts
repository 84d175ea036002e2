import type { ThreadState } from '../../../readers/corefile/corefile.ts';
import { PF_W, PF_X } from '../../../readers/elf/elf.ts';
import type { Stacks } from '../stacks.ts';
import { type Keeping, pageBytes } from './keeping.ts';
import { stackPointerOf } from './threads.ts';

/** How much of a stack is looked at, from its innermost frame on. */
const stackBytes = 16 * 1024;
/** The same of threads that did not crash, and of how many of them. */
const [nearBytes, mostOthers] = [4096, 500];
/** What counts as the innermost frame. */
const frameBytes = 256;
const mostFrames = 64;
/** What a forged core may have looked at. */
const [mostExceptions, mostFramesInAll] = [64, 50_000];
type Left = { exceptions: number; frames: number };
/** How much is kept of what is pointed to. */
const mostPages = 2048;
/** What is pointed to may reach so far beyond the page it begins in. */
const objectBytes = 256;
/** Of those that a handler of a signal interrupted. */
const mostThreads = 10;

/** Keeps what the crashed thread had in hand: what its registers and its innermost frames point to, and an exception with its message. */
export async function keepPointed(keeping: Keeping, stacks: Stacks | undefined): Promise<void> {
	const { threads } = keeping.corefile;
	const crashed = threads[0];
	if (!crashed) return;
	const pages = new Set<bigint>();
	for (const value of Object.values(crashed.registers)) keepPage(BigInt(value), pages, keeping);
	const struck = (stacks?.threads ?? []).filter(({ faults }) => faults.length > 0).slice(0, mostThreads);
	const stackPointers = [
		stackPointerOf(crashed, keeping),
		...struck.flatMap(({ faults }) => faults.slice(-2).map(({ stackPointer }) => BigInt(stackPointer ?? 0))),
	];
	for (const stackPointer of stackPointers)
		for (const word of await wordsFrom(stackPointer, stackBytes, keeping)) keepPage(word, pages, keeping);
	const left = { exceptions: mostExceptions, frames: mostFramesInAll };
	for (const at of [...pages]) await keepException(at, pages, keeping, left);
	for (const thread of threads.slice(0, mostOthers)) await keepNear(thread, pages, keeping, left);
}

/** What the registers of another thread and its innermost frame point to: without a description of a frame a debugger looks there for the next. */
async function keepNear(thread: ThreadState, pages: Set<bigint>, keeping: Keeping, left: Left): Promise<void> {
	const words = await wordsFrom(stackPointerOf(thread, keeping), nearBytes, keeping);
	const registers = Object.values(thread.registers).map(BigInt);
	for (const word of [...registers, ...words.slice(0, frameBytes / 8)]) keepPage(word, pages, keeping);
	for (const word of [...registers, ...words]) await keepFrames(word, keeping, left);
}

/** Frame pointers lead to the next, also from one stack to another, where what they stand beside is an address of code. */
async function keepFrames(framePointer: bigint, keeping: Keeping, left: Left): Promise<void> {
	let at = framePointer;
	for (let frames = 0; frames < mostFrames && at % 8n === 0n && isWritable(at, keeping); frames++) {
		if (--left.frames < 0) return;
		const pair = await keeping.peek(at, 16);
		if (!pair || !isCode(pair.readBigUInt64LE(8), keeping)) return;
		keeping.keep(at, 16);
		const next = pair.readBigUInt64LE(0);
		if (next <= at) return;
		at = next;
	}
}

const page = BigInt(pageBytes);

function keepPage(address: bigint, pages: Set<bigint>, keeping: Keeping): void {
	for (const one of new Set([address - (address % page), address + BigInt(objectBytes) - ((address + BigInt(objectBytes)) % page)])) {
		if (pages.has(one) || pages.size >= mostPages || !isWritable(one, keeping)) continue;
		pages.add(one);
		keeping.keep(one, pageBytes);
	}
}

const flagsAt = (address: bigint, { corefile }: Keeping) => corefile.segments.containing(address)?.p_flags ?? 0;
const isWritable = (address: bigint, keeping: Keeping) => (flagsAt(address, keeping) & PF_W) !== 0;
const isCode = (address: bigint, keeping: Keeping) => (flagsAt(address, keeping) & PF_X) !== 0;

/** As many as there are up to the end of the stack. */
async function wordsFrom(address: bigint, length: number, keeping: Keeping): Promise<bigint[]> {
	const words: bigint[] = [];
	const start = address - (address % 8n);
	for (let at = start; at < start + BigInt(length); at += page) {
		const left = Number(start + BigInt(length) - at);
		const bytes = await keeping.read(at, Math.min(left, pageBytes - Number(at % page)));
		if (!bytes) break;
		for (let offset = 0; offset + 8 <= bytes.length; offset += 8) words.push(bytes.readBigUInt64LE(offset));
		at -= at % page;
	}
	return words;
}

/** What stands in the header of an exception of C++ as GCC's library makes it (`unwind-cxx.h`: `struct __cxa_exception`). */
const mark = '++CCUNG';
/** From the mark: where its header begins, and how far what was thrown may reach. */
const [headerBytes, thrownBytes] = [128, 256];

/** The message lies behind a pointer in what was thrown. */
async function keepException(at: bigint, pages: Set<bigint>, keeping: Keeping, left: Left): Promise<void> {
	const bytes = await keeping.read(at, pageBytes);
	if (!bytes) return;
	for (let found = bytes.indexOf(mark, 0, 'latin1'); found >= 0; found = bytes.indexOf(mark, found + 1, 'latin1')) {
		if (--left.exceptions < 0) return;
		const start = at + BigInt(found - headerBytes);
		for (const word of await wordsFrom(start, headerBytes + thrownBytes, keeping)) keepPage(word, pages, keeping);
	}
}
