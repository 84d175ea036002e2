import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ConfigError, type Loaded, type LoadOptions, loadConfig } from '../../src/config/config.ts';
import { root, temporaryFolder } from '../support/crash.ts';

export const example = join(root, 'configs/config.yaml');
export const exampleLines = readFileSync(example, 'utf8').split('\n');
export const paths = { stateHome: '/state', corePatternDirectory: '/cores' };

export async function load(text: string, mode: LoadOptions['mode'] = 'node'): Promise<Loaded> {
	await using folder = await temporaryFolder();
	const file = join(folder.path, 'config.yaml');
	writeFileSync(file, text);
	return loadConfig({ file, mode, paths });
}

/** The lines of the error, without the path of the file; none when it loads. */
export async function mistakesIn(text: string): Promise<readonly string[]> {
	try {
		await load(text);
		return [];
	} catch (error) {
		expect(error).toBeInstanceOf(ConfigError);
		return withoutFile((error as ConfigError).message.split('\n'));
	}
}

export const warningsOf = async (text: string) => withoutFile((await load(text)).warnings);

const withoutFile = (lines: readonly string[]) => lines.map((line) => line.replace(/^.*config\.yaml:/, ''));
