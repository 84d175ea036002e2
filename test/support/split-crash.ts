import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builtFile } from '../../src/drivers/debuginfod/debuginfod.ts';
import { crash, program, temporaryFolder } from './crash.ts';
import { splitters } from './debuginfod.ts';

/** A crash, by a bad pointer in `write_null`, of a program whose debug information is in a file of its own. */
export async function splitCrash(by: keyof typeof splitters = 'objcopy') {
	await using stack = new AsyncDisposableStack();
	const { path: folder } = stack.use(await temporaryFolder());
	const executable = join(folder, 'bin/faults');
	mkdirSync(dirname(executable));
	const split = { stripped: executable, debug: join(folder, 'faults.debug') };
	await splitters[by](await program('faults.c'), split);
	const { core } = stack.use(await crash(executable, ['null']));
	const { buildId = '' } = (await builtFile(executable)) ?? {};
	const held = stack.move();
	return {
		core,
		executable,
		debug: split.debug,
		buildId,
		/** Puts a file where it is found by the build-id of the crashed program. @returns the path */
		put(file: string, below: string, kind: 'executable' | 'debuginfo'): string {
			const path = join(below, `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}${kind === 'debuginfo' ? '.debug' : ''}`);
			mkdirSync(dirname(path), { recursive: true });
			copyFileSync(file, path);
			return path;
		},
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}
