import { join } from 'node:path';
import { exec, root } from '../crash.ts';
import { describeUnless, missingAsSaidBy } from '../needed.ts';
import { find } from './programs.ts';

export const chart = join(root, 'charts/milvus-coredump-agent');

const missing = await missingAsSaidBy(() => find('helm'));

/** Tests that need helm, and no cluster: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export const describeHelm = (name: string, tests: () => void): void => describeUnless(name, missing, { timeout: 60_000 }, tests);

/** @returns what helm prints; @throws with its error in `stderr` */
export async function helm(...args: readonly string[]): Promise<string> {
	const environment = { PATH: process.env.PATH, HOME: '/nonexistent' };
	const { stdout } = await exec(join(await find('helm'), 'helm'), [...args], { env: environment, maxBuffer: 1 << 26 });
	return stdout;
}
