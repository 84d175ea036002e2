import { describe, expect, test } from 'vitest';
import { overlaid, type Second } from '../../src/components/analyzer/overlay.ts';
import type { StackFrame, Stacks } from '../../src/components/analyzer/stacks.ts';

type SecondFrame = Second['threads'][number]['frames'][number];

const nothingElse = { abortMessage: null, exception: null, debugFiles: [], problems: [] };
const thread = <T extends StackFrame>(frames: readonly T[], ended: string | null) => ({
	id: 1,
	frames,
	omittedFrames: 0,
	faults: [],
	ended,
});

/** The frames of one thread, and what is complained of. */
function laid(own: readonly StackFrame[], ended: string | null, gdb: readonly SecondFrame[]) {
	const ours: Stacks = { by: 'agent', threads: [thread(own, ended)], ...nothingElse };
	const { threads, problems } = overlaid(ours, { threads: [thread(gdb, null)], ...nothingElse });
	return { frames: threads[0]?.frames, ended: threads[0]?.ended, problems };
}

const place = (pc: number, name?: string): StackFrame => ({ pc: `0x${pc}`, ...(name === undefined ? {} : { function: name }) });
const line = (pc: number, name: string, number: number): StackFrame => ({ ...place(pc, name), file: 'a.c', line: number });

test('lines, arguments and inlined calls are gdb’s, where ours have none', () => {
	const gdb = [{ ...line(1, 'read', 3), inlined: true as const }, { ...line(1, 'load', 9), arguments: 'from=0x0' }, line(2, 'main', 20)];
	expect(laid([place(1, 'load'), place(2, 'main')], null, gdb)).toEqual({ frames: gdb, ended: null, problems: [] });
});

test('lines of Go’s own tables stay', () => {
	const own = [line(1, 'main.load', 9)];
	expect(laid(own, null, [line(1, 'main.load', 10)]).frames).toEqual(own);
});

test('functions that ended by a call are shown behind what they called, and part nothing', () => {
	const gdb = [line(1, 'read', 3), { ...line(7, 'load', 9), isTailCall: true as const }, line(2, 'main', 20)];
	const { frames, problems } = laid([place(1, 'read'), place(2, 'main')], null, gdb);
	expect(frames).toEqual([line(1, 'read', 3), line(7, 'load', 9), line(2, 'main', 20)]);
	expect(problems).toEqual([]);
});

describe('where they go different ways', () => {
	test('ours is shown, with lines where they meet again, and that is told', () => {
		const { frames, problems } = laid([place(1, 'a'), place(2, 'b'), place(3, 'main')], null, [
			line(1, 'a', 1),
			line(9, 'other', 5),
			line(3, 'main', 7),
		]);
		expect(frames).toEqual([line(1, 'a', 1), place(2, 'b'), line(3, 'main', 7)]);
		expect(problems).toEqual(['gdb sees another stack from frame 1 on (other): ours is shown, which is by what describes the code']);
	});

	test('a frame of gdb’s that has no name is no other opinion', () => {
		expect(laid([place(1, 'a'), place(2, 'b')], null, [line(1, 'a', 1), place(9)]).problems).toEqual([]);
	});
});

describe('where ours could not go on', () => {
	test('gdb’s do', () => {
		const { frames, ended } = laid([place(1, 'a')], 'the reason', [line(1, 'a', 1), line(2, 'main', 2)]);
		expect(frames).toEqual([line(1, 'a', 1), line(2, 'main', 2)]);
		expect(ended).toBeNull();
	});

	for (const [where, own, gdb] of [
		['behind frames without a name', [place(1, 'a')], [line(1, 'a', 1), place(5), line(2, 'guessed', 2)]],
		['behind where ours ended, which has no name', [place(1)], [place(1), line(2, 'guessed', 2)]],
	] as const)
		test(`but not ${where}`, () => {
			const { frames, ended } = laid(own, 'the reason', gdb);
			expect(frames?.map(({ pc }) => pc)).toEqual(own.map(({ pc }) => pc));
			expect(ended).toBe('the reason');
		});

	test('nor where ours ended at the beginning', () => {
		expect(laid([place(1, 'main')], null, [line(1, 'main', 1), line(2, 'start', 2)]).frames).toEqual([line(1, 'main', 1)]);
	});
});
