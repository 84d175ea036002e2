import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import { findModules } from '../../src/components/analyzer/modules.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { crash, crashTest, program, temporaryFolder } from '../support/crash.ts';

const toC = (name: string) => [name, 'runtime.asmcgocall', 'runtime.cgocall', `main._Cfunc_${name}`];
const fromC = (name: string) => [`main.${name}`, 'runtime.cgocallback', 'crosscall2', name];
const first = [...fromC('goFirst'), ...toC('outer'), 'main.main', 'runtime.main', 'runtime.goexit'];
const firstOnThread = [...fromC('goFirst'), 'outer', 'begin', 'start_thread', 'clone3'];
const second = [...fromC('goSecond'), ...toC('middle')];
/** A panic gives the stack of C up on its way to its end, and what comes then is put there. */
const [firstOfPanic, secondOfPanic] = [first, second].map((names) =>
	names.filter((name) => !/^(?:crosscall2|go\w+|outer|middle|runtime\.asmcgocall)$/.test(name)),
);

describe('where C has called Go, which called C, the stack leads through all of them', () => {
	for (const [kind, names] of [
		['C fault', [...toC('inner'), ...second, ...first]],
		['C abort', ['abort', ...toC('inner'), ...second, ...first]],
		['nil', ['main.readNil', ...(secondOfPanic ?? []), ...(firstOfPanic ?? [])]],
		['panic', ['main.panicNow', ...(secondOfPanic ?? []), ...(firstOfPanic ?? [])]],
		['on a thread: C fault', [...toC('inner'), ...second, ...firstOnThread]],
		['on a thread: C abort', ['abort', ...toC('inner'), ...second, ...firstOnThread]],
		['on a thread: nil', ['main.readNil', ...(secondOfPanic ?? []), ...firstOnThread]],
		['on a thread: panic', ['main.panicNow', ...(secondOfPanic ?? []), ...firstOnThread]],
	] as const)
		crashTest(kind, async () => {
			await using folder = await temporaryFolder();
			const log = join(folder.path, 'log');
			await using crashed = await crash(await program('gocallback'), [kind], { environment: { GOTRACEBACK: 'crash' }, log });
			const { functions, ended } = await stackOf(crashed.core);
			expect(functions.filter((name) => names.includes(name))).toEqual(names);
			expect(functions.filter((name) => name.startsWith('main.'))).toEqual(printed(readFileSync(log, 'utf8')));
			expect(ended).toBeNull();

			await using stripped = await crash(await program('gocallback', ['-ldflags=-s -w']), [kind], {
				environment: { GOTRACEBACK: 'crash' },
			});
			const isOfGo = (name: string) => /^(?:main|runtime)\./.test(name);
			expect((await stackOf(stripped.core)).functions.filter(isOfGo)).toEqual(functions.filter(isOfGo));
		});
});

/** The crashed thread's. */
async function stackOf(core: string) {
	const corefile = await readPass(core);
	const modules = await findModules(corefile, { sysroot: '/', paths: [] }, Date.now());
	const [thread] = (await callstacks(core, corefile, modules, { demangle: async () => new Map() })).threads;
	const functions = thread?.frames.map((frame) => frame.function?.replace('.cold', '') ?? '') ?? [];
	return { functions, ended: thread?.ended };
}

/** The program's own functions in the stack that Go itself printed of the goroutine that crashed. */
function printed(log: string): readonly string[] {
	const [, stack = ''] = /^goroutine \d+ .*\n((?:.+\n)*)/m.exec(log) ?? [];
	return [...stack.matchAll(/^(main\.\w+)\(/gm)].map(([, name = '']) => name);
}
