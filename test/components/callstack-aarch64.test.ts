import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect } from 'vitest';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import type { FoundModule } from '../../src/components/analyzer/modules.ts';
import { gdbStacks } from '../../src/drivers/gdb/gdb.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { exec, root, temporaryFolder } from '../support/crash.ts';
import { missingOf, testUnless } from '../support/needed.ts';

/** Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user, golang-go. */
const missing = missingOf(['aarch64-linux-gnu-gcc', 'qemu-aarch64', 'go']);

describe('on aarch64', () => {
	for (const kind of ['null', 'callnull', 'assert', 'kill'])
		testUnless(`C, ${kind}: the stack that gdb finds`, missing, async () => {
			await using folder = await temporaryFolder();
			const file = join(folder.path, 'faults');
			await exec('aarch64-linux-gnu-gcc', ['-w', '-g', '-O2', '-static', '-o', file, join(root, 'test/support/programs/faults.c')]);
			const core = await crashed(file, kind, folder.path);
			const [thread] = (await stacksOf(core, file)).threads;
			await using work = await temporaryFolder();
			const modules = [{ path: file, file, bias: '0x0' }] as const;
			const gdb = await gdbStacks({ core, architecture: 'aarch64', modules, directory: work.path }, { timeoutMs: 30_000 });
			const theirs = gdb.threads[0]?.frames.filter(({ inlined, isTailCall }) => !inlined && !isTailCall);
			expect(thread?.frames.map(({ pc }) => pc)).toEqual(theirs?.map(({ pc }) => pc));
			expect(thread?.frames.at(-1)?.function).toBe('main');
		});

	for (const [kind, fault, ...names] of [
		['nil', '0x10', 'runtime.sigpanic', 'main.readNil', 'main.main', 'runtime.main', 'runtime.goexit'],
		['panic', undefined, 'runtime.gopanic', 'main.panicNow', 'main.main', 'runtime.main', 'runtime.goexit'],
		['overflow', undefined, 'runtime.throw', 'runtime.newstack', 'runtime.morestack', 'main.recurse', 'main.recurse', 'main.recurse'],
	] as const)
		testUnless(`Go, ${kind}: through the handler of the signal, and back to the goroutine’s stack`, missing, async () => {
			await using folder = await temporaryFolder();
			const file = join(folder.path, 'gopure');
			const environment = { ...process.env, GOARCH: 'arm64', CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '' };
			await exec('go', ['build', '-buildvcs=false', '-ldflags=-s -w', '-o', file, '.'], {
				cwd: join(root, 'test/support/programs/gopure'),
				env: environment,
			});
			const [thread] = (await stacksOf(await crashed(file, kind, folder.path), file)).threads;
			const functions = thread?.frames.filter(({ inlined }) => !inlined).map((frame) => frame.function) ?? [];
			expect(functions).toContain('<signal handler called>');
			const from = functions.indexOf(names[0]);
			expect(functions.slice(from, from + names.length)).toEqual(names);
			expect(thread?.faults.at(-1)?.address).toBe(fault ?? thread?.faults[0]?.address);
			if (kind !== 'overflow') expect(thread).toMatchObject({ ended: null, omittedFrames: 0 });
		});
});

/** By an emulator, which writes the core itself. */
async function crashed(file: string, kind: string, directory: string): Promise<string> {
	const shell = 'ulimit -c unlimited; GOTRACEBACK=crash exec qemu-aarch64 "$0" "$1"';
	await exec('bash', ['-c', shell, file, kind], { cwd: directory }).catch(() => {}); // it crashes
	const names = readdirSync(directory).filter((name) => name.startsWith(`qemu_${basename(file)}_`));
	expect(names).toHaveLength(1);
	rmSync(join(directory, 'core'), { force: true }); // the emulator's own
	return join(directory, names[0] as string);
}

/** The emulator does not say which files are mapped: the program is where it was linked. */
async function stacksOf(core: string, file: string) {
	const corefile = await readPass(core);
	const place = {
		...corefile,
		locate: (address: `0x${string}`) => (BigInt(address) < 1n << 32n ? { module: file, offset: address } : undefined),
	};
	const module: FoundModule = {
		module: { path: file, symbols: 'full', file: 'same' },
		loaded: { path: file, file, bias: '0x0' },
		hasDebugInfo: true,
	};
	return callstacks(core, place, [module], { demangle: async () => new Map() });
}
