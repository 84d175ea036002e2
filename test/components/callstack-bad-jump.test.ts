import { expect } from 'vitest';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import { findModules } from '../../src/components/analyzer/modules.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { crash, crashTest, program } from '../support/crash.ts';

crashTest('a call to where no code is has its caller', async () => {
	expect(await stackOf('calls')).toEqual({ functions: [undefined, 'calls', 'main'], ended: null });
});

crashTest('a return to where no code is has none, whatever lies on the stack', async () => {
	expect(await stackOf('returns')).toEqual({ functions: [undefined], ended: '0x4141 is in the code of no mapped file' });
});

async function stackOf(kind: string) {
	await using crashed = await crash(await program('smashed.c', ['-g', '-O2', '-fomit-frame-pointer']), [kind]);
	const corefile = await readPass(crashed.core);
	const modules = await findModules(corefile, { sysroot: '/', paths: [] }, Date.now());
	const [thread] = (await callstacks(crashed.core, corefile, modules, { demangle: async () => new Map() })).threads;
	return { functions: thread?.frames.map((frame) => frame.function), ended: thread?.ended };
}
