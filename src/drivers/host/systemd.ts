import { codeOf } from '../../base/errors.ts';
import { inOrder } from '../../readers/systemdconf/systemdconf.ts';
import { namesBelow, textBelow } from './below.ts';

/** The strongest first: the administrator's, what holds until the next boot, the packages'. */
const layers = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'];
const folders = { configuration: 'systemd', unit: 'systemd/system' } as const;

/**
 * A configuration file or unit of systemd with its drop-ins, in the order in which they count: systemd.unit(5), coredump.conf(5).
 *
 * @param root what stands before the paths of the machine
 * @returns undefined where that can't be known: the administrator's folder is not to be seen, for a unit none of it, or a file may not be read
 */
export async function systemdFiles(root: string, kind: keyof typeof folders, name: `${string}.${string}`): Promise<string[] | undefined> {
	try {
		return await textsOf(root, kind, name);
	} catch (error) {
		if (codeOf(error) === 'EACCES') return undefined;
		throw error;
	}
}

async function textsOf(root: string, kind: keyof typeof folders, name: string): Promise<string[] | undefined> {
	const places = layers.map((layer) => `${layer}/${folders[kind]}`);
	if ((await namesBelow(root, '/etc/systemd')) === undefined) return undefined;
	const main = await first(places, (place) => textBelow(root, `${place}/${name}`));
	if (main === undefined && kind === 'unit') return undefined;
	const dropIns = await Promise.all(
		places.map(async (place) => ({ path: `${place}/${name}.d`, names: (await namesBelow(root, `${place}/${name}.d`)) ?? [] })),
	);
	const texts = await Promise.all(inOrder(dropIns).map((path) => textBelow(root, path)));
	return [main, ...texts].filter((text) => text !== undefined);
}

/** The version of systemd on a machine: the name of its own library tells. Undefined where that is not to be seen. */
export async function systemdVersion(root: string): Promise<number | undefined> {
	const libraries = (await namesBelow(root, '/usr/lib')) ?? [];
	const places = ['', ...libraries.filter((name) => /-linux-gnu/.test(name))].map((name) => `/usr/lib/${name}/systemd`);
	return first([...places, '/usr/lib64/systemd', '/lib/systemd'], async (place) => {
		const version = (await namesBelow(root, place))?.map((name) => /^libsystemd-shared-(\d+)/.exec(name)?.[1]).find(Boolean);
		return version === undefined ? undefined : Number(version);
	});
}

async function first<T>(places: readonly string[], read: (place: string) => Promise<T | undefined>): Promise<T | undefined> {
	for (const place of places) {
		const found = await read(place);
		if (found !== undefined) return found;
	}
	return undefined;
}
