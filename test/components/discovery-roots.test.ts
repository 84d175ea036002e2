import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { knownRoots } from '../../src/components/discovery/known-roots.ts';
import { readPod } from '../../src/components/discovery/read-pod.ts';
import { createRoots } from '../../src/components/discovery/roots.ts';
import { nodeContainers } from '../../src/drivers/containerfiles/containerfiles.ts';
import { exec, mountTest, root, temporaryFolder } from '../support/crash.ts';
import { mountedOverlay } from '../support/mounted-overlay.ts';
import { playPod } from '../support/node.ts';

const nothing = () => false;
const lowersOf = (image: string) => [`/snapshots/${image}-2/fs`, `/snapshots/${image}-1/fs`];

describe('where the files of containers are', () => {
	test('is known again after a restart, and the directories of an image are kept once', () => {
		const known = knownRoots(undefined);
		for (const id of ['a', 'b'])
			known.add({ id, image: 'milvus:1', imageId: 'sha256:1' }, { upper: `/snapshots/${id}/fs`, lowers: lowersOf('1') });
		known.add({ id: 'c', image: 'milvus:2' }, { lowers: lowersOf('2') });
		const text = known.text(nothing);
		expect(text.split('/snapshots/1-1/fs')).toHaveLength(2);
		const again = knownRoots(text);
		expect(again.layersOf({ id: 'b' })).toEqual({ upper: '/snapshots/b/fs', lowers: lowersOf('1') });
		expect(again.layersOf({ id: 'c' })).toEqual({ lowers: lowersOf('2') });
		expect(again.text(nothing)).toBe(text);
	});

	test('is that of another container of the image for one that was never seen', () => {
		const known = knownRoots(undefined);
		known.add({ id: 'a', image: 'milvus:latest', imageId: 'sha256:old' }, { upper: '/snapshots/a/fs', lowers: lowersOf('old') });
		known.add({ id: 'b', image: 'milvus:latest', imageId: 'sha256:new' }, { upper: '/snapshots/b/fs', lowers: lowersOf('new') });
		expect(known.layersOf({ id: 'x', image: 'milvus:latest' })).toEqual({ lowers: lowersOf('new') });
		expect(known.layersOf({ id: 'x', image: 'milvus:latest', imageId: 'sha256:old' })).toEqual({ lowers: lowersOf('old') });
		// A name says nothing where it is known to have stood for something else.
		expect(known.layersOf({ id: 'x', image: 'milvus:latest', imageId: 'sha256:newest' })).toBeUndefined();
		expect(known.layersOf({ id: 'x', image: 'other:1' })).toBeUndefined();
		expect(known.layersOf({ id: 'x' })).toBeUndefined();
	});

	test('is forgotten of the oldest that ended, and never of one that runs', () => {
		const known = knownRoots(undefined);
		for (let run = 0; run < 500; run++)
			known.add({ id: `run-${run}`, image: 'milvus:1' }, { upper: `/snapshots/${run}/fs`, lowers: lowersOf('1') });
		const text = known.text((id) => id === 'run-0');
		const kept = JSON.parse(text).runs.map(({ id }: { id: string }) => id);
		expect(kept).toEqual(['run-0', ...Array.from({ length: 100 }, (_, index) => `run-${400 + index}`)]);
		expect(text.length).toBeLessThan(20_000);
	});

	mountTest('is remembered of a container that crashed before the API told of it, and mounts are read for new ones only', async () => {
		await using folder = await temporaryFolder();
		const place = (name: string) => join(folder.path, name);
		const tasksPath = place('tasks');
		mkdirSync(tasksPath);
		const containers = nodeContainers({ tasksPath, storagePath: '/nowhere', root: '' });
		let reads = 0;
		const seen = new Set<string>();
		const counted = {
			...containers,
			async running() {
				reads++;
				const running = await containers.running();
				for (const id of running.keys()) seen.add(id);
				return running;
			},
		};
		let text: string | undefined;
		const bookmark = {
			read: () => text,
			async write(value: string) {
				text = value;
			},
		};
		const roots = createRoots(counted, bookmark);
		const stop = new AbortController();
		const watching = roots.watch(stop.signal);

		/** As containerd runs a container. */
		async function run(id: string): Promise<void> {
			const task = join(tasksPath, 'k8s.io', id);
			const folders = { lower: place('lower'), upper: place(`${id}-upper`), work: place(`${id}-work`) };
			{
				await using _mounted = await mountedOverlay(join(task, 'rootfs'), folders);
				await expect.poll(() => seen.has(id), { timeout: 5_000, interval: 10 }).toBe(true);
			}
			rmSync(task, { recursive: true });
		}
		const played = playPod('node-1', 'search-milvus-querynode-0', { startedAt: Date.now() });
		const id = played.run(Date.now());
		await run(id);
		const readsBefore = reads;
		played.end(Date.now(), { exitCode: 139 });
		const pod = readPod(played.object());
		await roots.see(pod, nothing);
		await roots.see(pod, nothing);
		expect(knownRoots(text).layersOf({ id })).toEqual({ upper: place(`${id}-upper`), lowers: [place('lower')] });
		expect(reads).toBe(readsBefore);
		stop.abort();
		await watching;

		// One that runs when the agent comes is found by the pod itself; one that ended before is not looked for.
		const later = createRoots(counted, bookmark);
		const next = played.run(Date.now());
		const rootfs = join(tasksPath, 'k8s.io', next, 'rootfs');
		{
			await using _mounted = await mountedOverlay(rootfs, { lower: place('lower'), upper: place('u'), work: place('w') });
			await later.see(readPod(played.object()), (one) => one === next);
		}
		expect(knownRoots(text).layersOf({ id: next })).toEqual({ upper: place('u'), lowers: [place('lower')] });
		expect(knownRoots(text).layersOf({ id })).toEqual({ upper: place(`${id}-upper`), lowers: [place('lower')] });
		const readsThen = reads;
		const gone = playPod('node-1', 'gone', { startedAt: 0 });
		gone.run(0);
		gone.end(1, { exitCode: 139 });
		await later.see(readPod(gone.object()), nothing);
		expect(reads).toBe(readsThen);
	});

	// As in the agent's pod: the image has it so, and who is root without capabilities is a user like others.
	mountTest('is seen of containers in a folder that may not be entered', async () => {
		await using folder = await temporaryFolder();
		const place = (name: string) => join(folder.path, name);
		const rootfs = place('closed/tasks/k8s.io/abc/rootfs');
		mkdirSync(rootfs, { recursive: true });
		chmodSync(place('closed'), 0o700);
		chownSync(place('closed'), 65_534, 65_534);
		const withoutCapabilities = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'] as const;
		const [setpriv, ...options] = withoutCapabilities;
		const seeing = exec(setpriv, [...options, process.execPath, join(root, 'test/support/seen-roots.ts'), place('closed/tasks'), 'abc'], {
			timeout: 20_000,
		});
		await using _mounted = await mountedOverlay(rootfs, { lower: place('lower'), upper: place('upper'), work: place('work') });
		expect(JSON.parse((await seeing).stdout)).toEqual({ layers: { upper: place('upper'), lowers: [place('lower')] }, entered: 'EACCES' });
	});
});
