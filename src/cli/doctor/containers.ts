import { constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { firstFew } from '../../base/first-few.ts';
import type { Config } from '../../config/config.ts';
import { corePattern, pathOnHost } from '../../drivers/host/host.ts';
import { coreDestination } from '../../readers/corepattern/corepattern.ts';
import { type Check, error, ok, warning } from './check.ts';
import type { PodHere } from './pods.ts';
import type { Surroundings } from './surroundings.ts';

const subject = 'core_pattern in containers';

/** Whether cores of containers come to the node, where the kernel itself writes them: it looks the path up in the root of the container, and writes as its user. */
export async function containerChecks({ collector: { coredumpPath } }: Config, { isOnCluster, pods }: Surroundings): Promise<Check[]> {
	const destination = coreDestination((await corePattern()) ?? '');
	if (!isOnCluster || destination.is !== 'folder') return [];
	return [mountCheck(destination.path, pathOnHost(coredumpPath), pods), ...(await permissionCheck(coredumpPath, destination.path))];
}

function mountCheck(path: string, onNode: string, pods: readonly PodHere[] | undefined): Check {
	const todo = `mount ${onNode} of the node at ${path} in the pods of Milvus (hostPath), or have systemd-coredump take the cores`;
	const inside = `${path} is looked up in each container's own root`;
	if (!pods || pods.length === 0)
		return warning(subject, `${inside}: a core is lost with its container where the pod does not mount that path`, todo);
	const without = pods.filter(({ mounts }) => !mounts.some((mount) => leadsTo(mount, path, onNode)));
	if (without.length === 0) return ok(subject, `all ${pods.length} pods of Milvus here mount ${path}`);
	const names = without.map(({ namespace, name }) => `${namespace}/${name}`);
	const shown = firstFew(names, (count) => `and ${count} more`);
	return error(subject, `${inside}, and ${shown} do not mount it: their cores are lost`, todo);
}

function leadsTo({ onNode, inPod }: PodHere['mounts'][number], path: string, wanted: string): boolean {
	const below = relative(inPod, path);
	return below.split('/')[0] !== '..' && join(onNode, below, '.') === join(wanted, '.');
}

/** Milvus' newer images and the operator run it as a user of its own. */
async function permissionCheck(coredumpPath: string, path: string): Promise<Check[]> {
	const folder = await stat(coredumpPath).catch(() => undefined); // the check of the folder tells
	if (!folder || (folder.mode & constants.S_IWOTH) !== 0) return [];
	return [
		warning(
			subject,
			`others than its owner may not write to ${path}: a Milvus that does not run as root leaves no core`,
			`on the node, as root: chmod 1777 ${path}`,
		),
	];
}
