import { join } from 'node:path';
import { describe } from 'vitest';
import { exec, root } from '../crash.ts';
import { find } from './programs.ts';

export const chart = join(root, 'charts/milvus-coredump-agent');

const missing = await find('helm').then(
	() => undefined,
	(error: { stderr?: string }) => String(error.stderr).trim(),
);

/** Tests that need helm, and no cluster: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export function describeHelm(name: string, tests: () => void): void {
	const skip = missing !== undefined && process.env.CI !== 'true';
	describe.skipIf(skip)(skip ? `${name} (${missing})` : name, { timeout: 60_000 }, tests);
}

/** @returns what helm prints; @throws with its error in `stderr` */
export async function helm(...args: readonly string[]): Promise<string> {
	const environment = { PATH: process.env.PATH, HOME: '/nonexistent' };
	const { stdout } = await exec(join(await find('helm'), 'helm'), [...args], { env: environment, maxBuffer: 1 << 26 });
	return stdout;
}
