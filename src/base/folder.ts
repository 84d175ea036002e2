import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';
import { systemPath } from './filename.ts';

/**
 * Makes a folder and those above it, as `mkdir -p` does. Node's own `recursive` never ends where a folder that is there
 * answers ENOENT, as /proc does.
 */
export async function makeFolder(path: string, mode = 0o700): Promise<void> {
	const make = async () => {
		try {
			await mkdir(systemPath(path), { mode });
		} catch (error) {
			if (codeOf(error) !== 'EEXIST' || !(await stat(systemPath(path))).isDirectory()) throw error;
		}
	};
	try {
		await make();
	} catch (error) {
		if (!isParentMissing(path, error)) throw error;
		await makeFolder(dirname(path), mode);
		await make();
	}
}

/** The same, without giving others a turn. */
export function makeFolderSync(path: string, mode = 0o700): void {
	const make = () => {
		try {
			mkdirSync(systemPath(path), { mode });
		} catch (error) {
			if (codeOf(error) !== 'EEXIST' || !statSync(systemPath(path)).isDirectory()) throw error;
		}
	};
	try {
		make();
	} catch (error) {
		if (!isParentMissing(path, error)) throw error;
		makeFolderSync(dirname(path), mode);
		make();
	}
}

const isParentMissing = (path: string, error: unknown) => codeOf(error) === 'ENOENT' && dirname(path) !== path;
