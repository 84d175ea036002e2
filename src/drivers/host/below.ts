import { readdir, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { startOfFile } from '../../base/file-ends.ts';
import { NotRegularError, openRegular } from '../../base/regular-file.ts';

const mostLinks = 40;
/** What is larger is no configuration. */
const mostBytes = 1 << 20;
const mostNames = 1_000;

/**
 * The text of a file of a machine that is mounted below a root: what leads to /dev/null is empty, of a large one the beginning.
 *
 * @returns undefined where there is no such file
 */
export async function textBelow(root: string, path: string): Promise<string | undefined> {
	return unlessMissing(async () => {
		const found = await resolved(root, path);
		if (found === join(root, '/dev/null')) return '';
		await using file = await openRegular(found);
		return (await startOfFile(file, mostBytes)).toString('utf8');
	});
}

/** The names in a folder of it; undefined where it is not there. */
export async function namesBelow(root: string, path: string): Promise<string[] | undefined> {
	return unlessMissing(async () => (await readdir(await resolved(root, path))).slice(0, mostNames));
}

/** Follows links as the machine itself would: those that begin with `/` begin at the root. */
async function resolved(root: string, path: string): Promise<string> {
	const left = parts(path);
	let at = root || '/';
	for (let links = 0; left.length > 0; ) {
		const part = left.shift() as string;
		const next = part === '..' ? (at === (root || '/') ? at : dirname(at)) : join(at, part);
		const target = await readlink(next).catch(() => undefined); // no link, or not there: whoever opens it is told
		if (target === undefined) at = next;
		else if (++links > mostLinks) throw Object.assign(new Error(`too many links: ${path}`), { code: 'ENOENT' });
		else {
			left.unshift(...parts(target));
			if (target.startsWith('/')) at = root || '/';
		}
	}
	return at;
}

const parts = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
	try {
		return await read();
	} catch (error) {
		if (error instanceof NotRegularError || ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
		throw error;
	}
}
