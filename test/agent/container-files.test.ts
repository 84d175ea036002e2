import { join } from 'node:path';
import { expect } from 'vitest';
import { layersOf } from '../../src/agent/container-files.ts';
import { knownRoots } from '../../src/components/discovery/known-roots.ts';
import { podTable } from '../../src/components/discovery/pods.ts';
import { readPod } from '../../src/components/discovery/read-pod.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';
import { nodeContainers } from '../../src/drivers/containerfiles/containerfiles.ts';
import { mountTest, temporaryFolder } from '../support/crash.ts';
import { mountedOverlay } from '../support/mounted-overlay.ts';
import { hexOf, playPod } from '../support/node.ts';

mountTest(
	'the files of a container are where it was seen to have them, else where it has them now, else where its image has them',
	async () => {
		await using folder = await temporaryFolder();
		const place = (name: string) => join(folder.path, name);
		const { discovery } = configSchema(nodeDefaults).parse({});
		const config = { ...discovery, containerdTasksPath: place('tasks'), crioStoragePath: '/nowhere' };
		const played = playPod('node-1', 'search-milvus-querynode-0', { startedAt: 0 });
		played.run(0);
		const [status] = played.object().status?.containerStatuses ?? [];
		const pods = podTable();
		pods.set(readPod({ ...played.object(), status: { containerStatuses: [{ ...status, name: 'querynode', imageID: 'sha256:this' }] } }));

		const known = knownRoots(undefined);
		const [seen, other, running, unseen] = ['seen', 'other', 'running', 'unseen'].map((name) => hexOf(name, 64)) as [
			string,
			string,
			string,
			string,
		];
		known.add({ id: seen, image: 'milvus:1', imageId: 'sha256:this' }, { upper: '/upper-of-seen', lowers: ['/image'] });
		known.add({ id: other, image: 'milvus:1', imageId: 'sha256:that' }, { upper: '/upper-of-other', lowers: ['/other-image'] });
		const find = layersOf(config, pods, { bookmark: (name) => (name === 'roots' ? known.text(() => false) : undefined) });
		const ask = (containerId: string) => find({ containerId, podUid: played.uid, container: 'querynode', image: 'milvus:1' });

		const rootfs = join(place('tasks'), 'k8s.io', running, 'rootfs');
		{
			await using _mounted = await mountedOverlay(rootfs, { lower: place('lower'), upper: place('upper'), work: place('work') });
			expect(await ask(running)).toEqual({ upper: place('upper'), lowers: [place('lower')] });
			// In a container the paths that the mount names are the machine's.
			const inContainer = nodeContainers({ tasksPath: place('tasks'), storagePath: '/nowhere', root: '/host' });
			expect((await inContainer.running()).get(running)).toEqual({ upper: `/host${place('upper')}`, lowers: [`/host${place('lower')}`] });
		}
		expect(await ask(seen)).toEqual({ upper: '/upper-of-seen', lowers: ['/image'] });
		expect(await ask(unseen)).toEqual({ lowers: ['/image'] });
		expect(await find({ containerId: unseen, image: 'milvus:2' })).toBeUndefined();
	},
);
