import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { nodeContainers, openRoot } from '../../src/drivers/containerfiles/containerfiles.ts';
import { exec, mountTest, temporaryFolder } from '../support/crash.ts';

type Stored = { readonly id: string; readonly names: readonly string[]; readonly layer: string };

/** A container of an image with two layers of its own, made by the library that CRI-O keeps its containers with. Prints its name. */
const makeContainer = `
	set -e
	cd "$0"
	b="buildah --root $0/storage --runroot $0/run --storage-driver overlay"
	put() { mkdir -p "$($b mount "$1")/milvus" && echo "$3" >"$($b mount "$1")/milvus/$2"; }
	one=$($b from scratch); put "$one" first 1; put "$one" both 1; $b commit -q "$one" one >/dev/null
	two=$($b from --pull-never one); put "$two" second 2; put "$two" both 2; $b commit -q "$two" two >/dev/null
	three=$($b from --pull-never two); put "$three" third 3; rm "$($b mount "$three")/milvus/first"
	for name in one two three; do $b umount "$(eval echo \\$$name)" >/dev/null; done
	echo "$three"`;

const isInstalled = await exec('buildah', ['--version']).then(
	() => true,
	() => false,
);
const storageTest = isInstalled || process.env.CI === 'true' ? mountTest : mountTest.skip;

storageTest('the files of a container in the storage of CRI-O are found when it has ended, until it is removed', async () => {
	await using folder = await temporaryFolder();
	const { stdout } = await exec('unshare', ['--mount', '--propagation', 'private', 'bash', '-c', makeContainer, folder.path]);
	const storage = join(folder.path, 'storage');
	const lists = join(storage, 'overlay-containers');
	const list: readonly Stored[] = JSON.parse(readFileSync(join(lists, 'containers.json'), 'utf8'));
	const { id, layer } = list.find(({ names }) => names.includes(stdout.trim())) as Stored;
	const { kept } = nodeContainers({ tasksPath: '/nowhere', storagePath: storage, root: '' });
	const layers = await kept(id);
	expect(layers?.lowers).toHaveLength(2);
	await using root = await openRoot(layers ?? { lowers: [] });
	expect(root.missing).toEqual([]);
	const contents = Object.fromEntries(
		await Promise.all(
			['first', 'second', 'third', 'both'].map(async (name) => [name, await (await root.open(`/milvus/${name}`))?.handle.readFile('utf8')]),
		),
	);
	expect(contents).toEqual({ first: undefined, second: '2\n', third: '3\n', both: '2\n' });

	// Those of podman's that are not to outlive the machine are in a list of their own.
	renameSync(join(lists, 'containers.json'), join(lists, 'volatile-containers.json'));
	expect(await kept(id)).toEqual(layers);
	expect(await kept('f'.repeat(64))).toBeUndefined();

	// Names in these files lead nowhere else.
	const lower = join(storage, 'overlay', layer, 'lower');
	const whole = readFileSync(lower, 'utf8');
	for (const wrong of ['l/../../../etc', `${whole}:l/ABC`, '/etc']) {
		writeFileSync(lower, wrong);
		expect(await kept(id), wrong).toBeUndefined();
	}
	writeFileSync(lower, whole);
	for (const wrong of ['{', '{}', '[null, 1, {"id": 1}]', JSON.stringify([{ id, layer: '../../etc' }])]) {
		writeFileSync(join(lists, 'volatile-containers.json'), wrong);
		expect(await kept(id), wrong).toBeUndefined();
	}
	rmSync(lists, { recursive: true });
	mkdirSync(lists);
	expect(await kept(id)).toBeUndefined();
});
