import { describe, expect } from 'vitest';
import type { Hex } from '../../src/base/hex.ts';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import { findModules } from '../../src/components/analyzer/modules.ts';
import { gdbStacks } from '../../src/drivers/gdb/gdb.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { crash, crashTest, program, temporaryFolder } from '../support/crash.ts';
import { placesByElfutils, placesOf } from '../support/stacks.ts';

const go = { environment: { GOTRACEBACK: 'crash' } };
const goKinds = ['nil', 'panic', 'panic again', 'map', 'C fault', 'C abort', 'C throw', 'C thread', 'C thread abort'];

describe('the stacks of every thread are those that gdb and eu-stack find', () => {
	for (const [name, source, flags, kinds] of [
		['C', 'faults.c', ['-g', '-O1'], ['null', 'callnull', 'assert', 'fifty', 'overflow', 'doublefree', 'kill']],
		['C, optimised and stripped', 'faults.c', ['-O2', '-fomit-frame-pointer', '-s'], ['null', 'assert', 'fifty']],
		['C, in one file with its libraries', 'faults.c', ['-g', '-O2', '-static'], ['null', 'fifty']],
		['C++', 'throws.cc', ['-g', '-O1'], ['noexcept', 'thread', 'terminate', 'purecall']],
		['C++, with handlers', 'deaths.cc', ['-g', '-O2'], ['fault', 'raised again', 'aborted in a handler']],
		['Rust', 'panics.rs', ['-O', '-C', 'panic=abort'], ['unwrap', 'memory']],
	] as const) {
		for (const kind of kinds)
			crashTest(`${name}: ${kind}`, async () => {
				await using crashed = await crash(await program(source, flags), [kind]);
				const { own, gdb, elfutils } = await threeStacks(crashed.core);
				expect([...own.keys()]).toEqual([...gdb.keys()]);
				for (const [thread, places] of own) {
					expect(places, `thread ${thread}`).toEqual(gdb.get(thread));
					// It goes on behind main, and ends where it finds no code.
					const others = elfutils.get(thread)?.slice(0, places.length) ?? [];
					expect(places.slice(0, others.length), `thread ${thread}`).toEqual(others);
				}
			});
	}
});

describe('of Go, too, and they are the same when it is stripped', () => {
	for (const kind of goKinds)
		crashTest(kind, async () => {
			await using crashed = await crash(await program('gocrash'), [kind], go);
			const { own, gdb, elfutils } = await threeStacks(crashed.core);
			const [thread] = own.keys();
			const places = own.get(thread as number) ?? [];
			// gdb knows the frames of Go by its debug information, but for what assembly does by hand.
			expect(missingIn(places, gdb.get(thread as number))).toEqual([]);
			expect(missingIn(places, elfutils.get(thread as number))).toEqual([]);

			await using stripped = await crash(await program('gocrash', ['-ldflags=-s -w']), [kind], go);
			const { functions, ended } = await threeStacks(stripped.core);
			const whole = (await threeStacks(crashed.core)).functions;
			expect(upToWriter(functions)).toHaveLength(upToWriter(whole).length);
			expect(upToWriter(functions).filter(isOfGo)).toEqual(upToWriter(whole).filter(isOfGo));
			expect(ended).toBeNull();
		});
});

/** Of C and C++ a stripped program has no names. */
const isOfGo = (name: string | undefined) => /^(?:runtime|main)\.|^</.test(name ?? '');

/** Any of those that write to the map may be struck, on whichever goroutine. */
function upToWriter(functions: readonly (string | undefined)[]) {
	const writer = functions.indexOf('main.writeForever');
	return writer < 0 ? functions : functions.slice(0, writer + 1);
}

crashTest('a file that has gone meanwhile ends the stacks that lead into it, with the reason', async () => {
	await using crashed = await crash(await program('faults.c'), ['assert']);
	const corefile = await readPass(crashed.core);
	const modules = (await findModules(corefile, { sysroot: '/', paths: [] }, Date.now())).map((one) =>
		one.loaded && one.module.path.includes('/libc.') ? { ...one, loaded: { ...one.loaded, file: '/nowhere/libc.so.6' } } : one,
	);
	const { threads } = await callstacks(crashed.core, corefile, modules, { demangle: async () => new Map() });
	expect(threads[0]).toMatchObject({ frames: [{}], ended: expect.stringMatching(/libc\.so\.6 is not here, which describes its frames$/) });
});

/** Which of others' places a stack does not have. */
const missingIn = (places: readonly string[], others: readonly string[] = []) => others.filter((place) => !places.includes(place));

/** The stacks of a core by ours, by gdb, and by eu-stack; of the crashed thread what ours are called, and why they ended. */
async function threeStacks(core: string) {
	const corefile = await readPass(core);
	const modules = await findModules(corefile, { sysroot: '/', paths: [] }, Date.now());
	const demangle = async () => new Map<string, string>();
	const stacks = await callstacks(core, corefile, modules, { demangle });
	await using folder = await temporaryFolder();
	const loaded = modules.map((one) => one.loaded).filter((one) => one !== undefined);
	const byGdb = await gdbStacks(
		{ core, architecture: corefile.architecture.name, modules: loaded, directory: folder.path },
		{ timeoutMs: 60_000 },
	);
	const [crashed] = stacks.threads;
	return {
		own: placesOf(stacks.threads),
		gdb: placesOf(byGdb.threads.map((thread) => ({ ...thread, frames: thread.frames.filter(isOnStack) }))),
		elfutils: await placesByElfutils(core, (place) => corefile.locate(place) !== undefined),
		functions: crashed?.frames.map((frame) => frame.function) ?? [],
		ended: crashed?.ended,
	};
}

/** gdb adds functions that ended by a call, and on a thread that has not begun yet what would be its caller. */
const isOnStack = ({ isTailCall, pc }: { readonly isTailCall?: true; readonly pc: Hex }, index: number) =>
	!isTailCall && (index === 0 || pc !== '0x0');
