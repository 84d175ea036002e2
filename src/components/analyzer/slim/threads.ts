import type { ThreadState } from '../../../readers/corefile/corefile.ts';
import { type Keeping, pageBytes } from './keeping.ts';

/** What the stacks of all threads may take together. */
const mostStackBytes = 24 << 20;
/** Of each thread's stack; what lies further up is kept where the walk over it comes by. */
const [leastOfStack, mostOfStack, mostOfCrashed] = [2 * pageBytes, 64 * 1024, 256 * 1024];
/** What the ABIs let code use below its stack pointer, and more. */
const redZone = 512;
/** Below the crashed thread's stack pointer lies the frame of a handler that has raised its signal anew. */
export const belowCrash = 16 * 1024;
/** Of so many threads the storage of their own is kept. */
const mostWithStorage = 2000;

/** Keeps the stack of each thread, and the storage of its own on both sides of its thread pointer. */
export function keepThreads(keeping: Keeping): void {
	const { threads, segments } = keeping.corefile;
	const share = Math.max(leastOfStack, Math.min(mostOfStack, Math.floor(mostStackBytes / Math.max(1, threads.length))));
	for (const [index, thread] of threads.entries()) {
		const stackPointer = stackPointerOf(thread, keeping);
		const segment = segments.containing(stackPointer);
		if (segment) {
			const most = index === 0 ? mostOfCrashed : share;
			const top = segment.p_vaddr + segment.p_filesz - stackPointer;
			keeping.keep(stackPointer, top < most ? Number(top) : most);
		}
		const below = index === 0 ? belowCrash : redZone;
		keeping.keep(stackPointer - BigInt(below), below);
		if (index < mostWithStorage) keepStorage(thread, keeping);
	}
}

function keepStorage({ registers, threadPointer = registers.fs_base }: ThreadState, { keep }: Keeping): void {
	const pointer = BigInt(threadPointer ?? 0);
	if (pointer > pageBytes) keep(pointer - BigInt(pageBytes), 3 * pageBytes);
}

export const stackPointerOf = ({ registers }: ThreadState, { corefile }: Keeping) =>
	BigInt(registers[corefile.architecture.stackPointer] ?? 0);
