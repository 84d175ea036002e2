import { lstat } from 'node:fs/promises';
import { codeOf, messageOf } from '../../base/errors.ts';
import { systemPath } from '../../base/filename.ts';

/**
 * Why a core can't be read, with what to do. The kernel gives the file that it writes itself to the user of the process, and to nobody else: core(5).
 * systemd-coredump and other handlers run as root, and so do their files belong to root.
 */
export async function refusalOf(path: string, error: unknown, isOnCluster: boolean): Promise<string> {
	if (codeOf(error) !== 'EACCES') return messageOf(error);
	const owner = await lstat(systemPath(path)).catch(() => undefined);
	const own = process.getuid?.();
	const whose = owner === undefined ? '' : `it is uid ${owner.uid}'s, and `;
	if (isOnCluster)
		return `${whose}uid ${own} may not read it without the capability DAC_READ_SEARCH: set nodeAgent.readForeignCores=true in the chart's values, or let systemd-coredump keep the cores of the node`;
	return `${whose}uid ${own} may not read it: ${own === 0 ? 'give the agent the capability DAC_READ_SEARCH' : 'run the agent as root'}, or let systemd-coredump keep cores`;
}
