// seen-roots.ts TASKS ID: waits until the files of a container are known, and prints where they are, and what comes of entering its root.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRoots } from '../../src/components/discovery/roots.ts';
import { nodeContainers } from '../../src/drivers/containerfiles/containerfiles.ts';

const [tasksPath = '', id = ''] = process.argv.slice(2);
const containers = nodeContainers({ tasksPath, storagePath: '/nowhere', root: '' });
const stop = new AbortController();
const watched = {
	...containers,
	async running() {
		const running = await containers.running();
		const layers = running.get(id);
		if (layers && !stop.signal.aborted) {
			console.log(JSON.stringify({ layers, entered: entered() }));
			stop.abort();
		}
		return running;
	},
};

function entered(): string | undefined {
	try {
		writeFileSync(join(tasksPath, 'k8s.io', id, 'rootfs/file'), '');
		return undefined;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code;
	}
}

await createRoots(watched, { read: () => undefined, write: async () => {} }).watch(stop.signal);
