import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** Imports point down: a room imports from the layers below its own. To change the architecture is to change this table on purpose. */
const layers: readonly (readonly string[])[] = [
	['main.ts'],
	['cli'],
	['agent'],
	['components'],
	['report', 'drivers', 'journal'],
	['readers'],
	['config', 'telemetry'],
	['domain'],
	['base'],
];

/** Wings of several rooms, and which of its rooms the others in the wing may import. */
const wings: Readonly<Record<string, readonly string[]>> = {
	components: [],
	// An NFS mount is a directory too, once there is one.
	drivers: ['drivers/process', 'drivers/local'],
	readers: ['readers/bytes', 'readers/elf', 'readers/cgroup'],
};

/** Folders inside of a room that are rooms of their own. */
const innerRooms = [
	'cli/doctor',
	'cli/restore',
	'components/analyzer/callstack',
	'components/analyzer/culprit',
	'components/analyzer/fingerprint',
	'components/analyzer/knownissues',
	'components/analyzer/slim',
];

/** The rooms that know each outside thing (and what lies below its name). */
const knownTo: Readonly<Record<string, readonly string[]>> = {
	'node:sqlite': ['journal'],
	'node:child_process': [],
	execa: ['drivers/process'],
	'node:zlib': ['readers/bytes'],
	'node:https': ['drivers/kubernetes'],
	zod: ['domain', 'config', 'drivers/gdb', 'drivers/kubernetes', 'drivers/models', 'components/analyzer'],
	// The manifest of a release is YAML too.
	yaml: ['config', 'readers/helmrelease'],
	'fastest-levenshtein': ['config'],
	pino: ['telemetry'],
	'pino-pretty': ['telemetry'],
	'prom-client': ['telemetry'],
	hono: ['components/monitor'],
	'@hono/node-server': ['components/monitor'],
	commander: ['cli'],
	'@aws-sdk/client-s3': ['drivers/s3'],
};

const source = join(import.meta.dirname, '../src');
const imports = globSync('**/*.ts', { cwd: source }).flatMap((file) =>
	// `from '…'`, `import '…'` and `import('…')`, but not the word in quotes; no module name is put together at run time.
	[...readFileSync(join(source, file), 'utf8').matchAll(/(?<!['"])(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"]+)\1/g)].map(
		([, , target = '']) => ({
			file,
			target,
		}),
	),
);
const local = imports
	.filter(({ target }) => target.startsWith('.'))
	.map(({ file, target }) => ({ file, target: join(dirname(file), target) }))
	.filter(({ target }) => !target.startsWith('..'));
const outside = imports.filter(({ target }) => !target.startsWith('.'));

const wing = (path: string) => path.split('/')[0] ?? '';
const room = (path: string) => (wing(path) in wings ? path.split('/').slice(0, 2).join('/') : wing(path));
const layer = (path: string) => layers.findIndex((names) => names.includes(wing(path)));
/** The file named like its room; rooms of types and small helpers are open. */
const isDoor = (path: string) =>
	['domain', 'base', 'telemetry', 'config', 'cli'].includes(wing(path)) || path === `${room(path)}/${basename(room(path))}.ts`;

test('the table names every room, and every import is seen', () => {
	expect(local.filter(({ file, target }) => layer(file) < 0 || layer(target) < 0)).toEqual([]);
	expect(local.length).toBeGreaterThan(150);
	const dynamic = globSync('**/*.ts', { cwd: source }).filter((file) =>
		/\bimport\(\s*[^'"\s]/.test(readFileSync(join(source, file), 'utf8')),
	);
	expect(dynamic).toEqual([]);
});

test('imports point down', () => {
	expect(local.filter(({ file, target }) => wing(file) !== wing(target) && layer(file) >= layer(target))).toEqual([]);
});

test('rooms of one wing know nothing of each other, but for those that all may use', () => {
	const neighbours = local.filter(({ file, target }) => wing(file) === wing(target) && room(file) !== room(target));
	expect(neighbours.filter(({ target }) => !wings[wing(target)]?.includes(room(target)))).toEqual([]);
});

test('other rooms come in by the door', () => {
	expect(local.filter(({ file, target }) => room(file) !== room(target) && !isDoor(target))).toEqual([]);
});

test('a folder that is a room of its own inside of another has a door too', () => {
	for (const folder of innerRooms) {
		const strangers = local.filter(({ file, target }) => target.startsWith(`${folder}/`) && !file.startsWith(`${folder}/`));
		expect(new Set(strangers.map(({ target }) => target))).toEqual(new Set([`${folder}/${basename(folder)}.ts`]));
	}
});

test('each outside thing is known to its own rooms only', () => {
	const rooms = (target: string) => Object.entries(knownTo).find(([name]) => target === name || target.startsWith(`${name}/`))?.[1];
	expect(
		outside.filter(
			({ file, target }) => !(target.startsWith('node:') && rooms(target) === undefined) && !rooms(target)?.includes(room(file)),
		),
	).toEqual([]);
});
