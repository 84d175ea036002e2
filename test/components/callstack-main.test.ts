import { describe, expect } from 'vitest';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import { findModules } from '../../src/components/analyzer/modules.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { crash, crashTest, program } from '../support/crash.ts';

const plain = ['-g', '-O1'];

describe('a stack is shown up to where the program began', () => {
	crashTest('which is its first main, where it calls its own', async () => {
		expect(await stackOf(plain, 'again')).toEqual({ functions: ['read_null', 'main', 'call_again', 'main'], ended: null });
	});

	crashTest('which is no main of a library', async () => {
		const library = await program('mains.c', [...plain, '-shared', '-fPIC', '-DLIBRARY']);
		expect(await stackOf(plain, library)).toEqual({ functions: ['read_null', 'main', 'call_library', 'main'], ended: null });
	});

	crashTest('and then it is whole, whatever comes before', async () => {
		const undescribed = [...plain, '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
		expect(await stackOf(undescribed, 'null')).toEqual({ functions: ['read_null', 'main'], ended: null });
	});
});

async function stackOf(flags: readonly string[], kind: string) {
	await using crashed = await crash(await program('mains.c', flags), [kind]);
	const corefile = await readPass(crashed.core);
	const modules = await findModules(corefile, { sysroot: '/', paths: [] }, Date.now());
	const [thread] = (await callstacks(crashed.core, corefile, modules, { demangle: async () => new Map() })).threads;
	return { functions: thread?.frames.map((frame) => frame.function), ended: thread?.ended };
}
