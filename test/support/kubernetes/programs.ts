import { join } from 'node:path';
import { exec } from '../crash.ts';
import { type Missing, missingAsSaidBy } from '../needed.ts';

/** @returns the folder with the programs of that, see build.sh; @throws if they are not built */
export async function find(what: 'kubernetes' | 'kwok' | 'helm'): Promise<string> {
	const { stdout } = await exec(join(import.meta.dirname, 'build.sh'), ['--find', what]);
	return stdout.trim();
}

/** Why there can be no Kubernetes for tests here, in a line; null where there can. */
export async function whatIsMissing(): Promise<Missing> {
	return missingAsSaidBy(async () => {
		await exec('sh', ['-c', 'for i; do command -v "$i" >/dev/null || { echo "$i is missing" >&2 && exit 1; }; done', 'sh', ...needed]);
		await find('kubernetes');
		await find('kwok');
		await find('helm');
	});
}

const needed = ['bash', 'curl', 'openssl', 'setpriv'];
