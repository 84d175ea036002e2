import type { LayersOf } from '../components/analyzer/analyzer.ts';
import { knownRoots } from '../components/discovery/discovery.ts';
import type { Config } from '../config/config.ts';
import type { Pods } from '../domain/pod.ts';
import { type NodeContainers, nodeContainers } from '../drivers/containerfiles/containerfiles.ts';
import { hostRoot } from '../drivers/host/host.ts';
import type { JournalView } from '../journal/journal.ts';

/** Under which name the journal keeps where the files of containers are. */
export const rootsBookmark = 'roots';

export const containersOf = ({ containerdTasksPath, crioStoragePath }: Config['discovery']): NodeContainers =>
	nodeContainers({ tasksPath: containerdTasksPath, storagePath: crioStoragePath, root: hostRoot(containerdTasksPath) });

/** Where the files of a container are: as it is now, if it still runs, else as it was remembered, else as those of its image were. */
export function layersOf(config: Config['discovery'], pods: Pods, view: Pick<JournalView, 'bookmark'>): LayersOf {
	const containers = containersOf(config);
	return async ({ containerId: id, image, podUid, container }) => {
		const known = knownRoots(view.bookmark(rootsBookmark));
		const remembered = known.layersOf({ id });
		if (remembered) return remembered;
		const present = (await containers.running()).get(id) ?? (await containers.kept(id));
		const { imageId } = pods.byUid(podUid ?? '')?.pod.containers.find(({ name }) => name === container) ?? {};
		return present ?? known.layersOf({ image, imageId });
	};
}
