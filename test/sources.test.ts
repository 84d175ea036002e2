import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pages } from '../scripts/docs.ts';
import { manifests } from '../scripts/manifests.ts';
import { exec, root } from './support/crash.ts';
import { describeHelm } from './support/kubernetes/helm.ts';

const bin = (name: string) => join(root, 'node_modules/.bin', name);
const outputOf = async (program: string, args: readonly string[]) => {
	const { stdout, stderr } = await exec(program, args, { cwd: root, maxBuffer: 1 << 26 }).catch(
		(error: { stdout: string; stderr: string }) => error,
	);
	return `${stdout}${stderr}`;
};

test('the sources type-check', async () => {
	expect(await outputOf(bin('tsc'), ['-p', '.'])).toBe('');
}, 120_000);

test('the sources are formatted and pass the linter', async () => {
	expect(await outputOf(bin('biome'), ['check', '--error-on-warnings', '.'])).toMatch(/^Checked \d+ files in .*\. No fixes applied\.\n$/);
}, 120_000);

const isMade = (all: Readonly<Record<string, () => string>>) => {
	for (const [name, make] of Object.entries(all)) {
		test(`${name} is what \`npm run docs\` makes`, () => {
			expect(readFileSync(join(root, name), 'utf8')).toBe(make());
		});
	}
};

isMade(pages);
describeHelm('the plain manifests', () => isMade(manifests));
