import type { Said } from './tracelog.ts';

/** What a run-time library says before it calls abort(3). */
export type AbortStatement = Extract<Said, { is: 'assertion' | 'heap corruption' }>;

/**
 * Sorts the message with which a library ended the process: assert(3) and assertions like it, or glibc's, jemalloc's and
 * tcmalloc's words on a damaged heap or stack (glibc: malloc/malloc.c, debug/fortify_fail.c, assert/assert.c).
 *
 * @param message one line, as written to stderr or kept in glibc's `__abort_msg`
 * @returns nothing where it is neither
 */
export function statementOfAbort(message: string): AbortStatement | undefined {
	const text = message.trim();
	return framedByStars(text) ?? heapCorruption(text) ?? assertion(text);
}

/** `*** stack smashing detected ***: terminated`, up to glibc 2.25 also with the program: `*** Error in `prog': double free …: 0x… ***`. */
function framedByStars(text: string): AbortStatement | undefined {
	if (!text.startsWith('*** ')) return undefined;
	const old = /^\*\*\* (?:glibc detected \*\*\* \S+|Error in [`'][^']*'): (.*?)(?:: 0x[0-9a-f]+)? \*\*\*/.exec(text)?.[1];
	const now = /^\*\*\* ([a-z%].*?) \*\*\*: (?:terminated|\S+ terminated|unknown)/.exec(text)?.[1];
	const what = old ?? now;
	return what === undefined ? undefined : { is: 'heap corruption', message: what };
}

const corruption: readonly RegExp[] = [
	/^(?:free|malloc|realloc|calloc|memalign|_int_free|_int_malloc|munmap_chunk|mremap_chunk|malloc_consolidate|malloc_check_get_size)\(\): /,
	/^(?:double free or corruption|corrupted size vs\. prev_size|corrupted double-linked list|corrupted unsorted chunks|break adjusted to free malloc space|invalid fastbin entry|too many chunks detected in tcache|mismatching next->prev_size)/,
	/^malloc: (?:top chunk is corrupt|unaligned|corrupt)/,
	/^<jemalloc>: (?:size mismatch detected|double free|.*corrupt)/,
];

function heapCorruption(text: string): AbortStatement | undefined {
	if (corruption.some((form) => form.test(text))) return { is: 'heap corruption', message: text };
	const freed = /\] (Attempt to free invalid pointer .*)$/s.exec(text)?.[1]; // tcmalloc
	return freed === undefined ? undefined : { is: 'heap corruption', message: freed };
}

/** malloc's own assertions fail when the heap is damaged. */
const allocator = /(?:^|\/)(?:malloc|arena|hooks)\.c$/;

const ofAssert = /^(?=.*' failed\.?$)(?:[^\s:]+: )?(\S+?):(\d+): (.*): Assertion [`'](.*)' failed\.?$/s;
const ofMusl = /^Assertion failed: (.*) \((\S+?): (\S+?): (\d+)\)$/;
const ofDarwin = /^Assertion failed: \((.*)\), function ([^,]+), file (\S+), line (\d+)\.$/;
const ofGlibcItself = /^Fatal glibc error: (\S+?):(\d+) \((\S+)\): assertion failed: (.*)$/;
const ofFaiss = /^Faiss assertion '(.{0,1024})' failed in (.{0,1024}) at (\S+?):(\d+)/;
const ofJemalloc = /^<jemalloc>: (\S+?):(\d+): (Failed assertion: .*)$/;
const ofSanitizer = /^(\S+?):(\d+):\d+: runtime error: (.*)$/;

function assertion(text: string): AbortStatement | undefined {
	let match = ofAssert.exec(text);
	if (match) return failed(match[4], match[3], match[1], match[2]);
	match = ofGlibcItself.exec(text);
	if (match) return failed(match[4], match[3], match[1], match[2]);
	match = ofFaiss.exec(text);
	if (match) return failed(match[1], match[2], match[3], match[4]);
	match = ofMusl.exec(text);
	if (match) return failed(match[1], match[3], match[2], match[4]);
	match = ofDarwin.exec(text);
	if (match) return failed(match[1], match[2], match[3], match[4]);
	match = ofJemalloc.exec(text) ?? ofSanitizer.exec(text);
	if (match) return failed(match[3], undefined, match[1], match[2]);
	if (/^(?:pure|deleted) virtual (?:method|function) called!?$/i.test(text)) return { is: 'assertion', message: text };
	return undefined;
}

function failed(
	condition: string | undefined,
	name: string | undefined,
	file: string | undefined,
	line: string | undefined,
): AbortStatement {
	if (allocator.test(file ?? '')) return { is: 'heap corruption', message: `${name ?? 'malloc'}: assertion failed: ${condition}` };
	return {
		is: 'assertion',
		message: condition ?? '',
		...(name !== undefined && { function: name }),
		...(file !== undefined && { source: { file, line: Number(line) } }),
	};
}
