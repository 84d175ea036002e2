import type { Config } from '../../config/config.ts';
import { corePattern, hostRoot, pathOnHost, systemdListens } from '../../drivers/host/host.ts';
import { coreDestination } from '../../readers/corepattern/corepattern.ts';
import { isThere } from '../files.ts';
import { type Check, error, ok, warning } from './check.ts';

const subject = 'core_pattern';
const makeFolder = (path: string) => `mkdir -m 1777 -p ${path}`;
const sendToFolder = `as root: ${makeFolder('/var/crash')} && sysctl -w kernel.core_pattern=/var/crash/core.%e.%p.%h.%t`;
/** A folder would be looked up inside of each container. */
const sendToSystemd = 'on the node, as root: apt-get install systemd-coredump, which takes the cores of containers too';

/** Whether the cores of this machine come to where the agent looks. */
export async function patternCheck({ collector: { coredumpPath } }: Config, isOnCluster = false): Promise<Check> {
	const sendOn = isOnCluster ? sendToSystemd : sendToFolder;
	const pattern = await corePattern();
	if (pattern === undefined)
		return warning(subject, '/proc/sys/kernel/core_pattern can not be read', 'run this on Linux, with /proc mounted');
	const destination = coreDestination(pattern);
	switch (destination.is) {
		case 'nowhere':
			return error(subject, 'is empty: no core is written', sendOn);
		case 'working directory':
			return warning(
				subject,
				`"${pattern}" is relative: each process writes its core into its own working directory; the agent sees only ${coredumpPath}`,
				sendOn,
			);
		case 'folders':
			return warning(
				subject,
				`"${pattern}": each crash has a folder of its own below ${destination.path}; the agent sees only what lies in ${coredumpPath} itself`,
				sendOn,
			);
		case 'folder':
			if (!isSeen(destination.path, coredumpPath))
				return warning(
					subject,
					`cores go to ${destination.path}; the agent looks in ${coredumpPath}`,
					`set collector.coredumpPath to ${hostRoot(coredumpPath)}${destination.path}`,
				);
			if (!(await isThere(coredumpPath)))
				return error(
					subject,
					`"${pattern}": cores go to ${destination.path}, which is not there: the kernel does not make it, and they are lost`,
					`as root: ${makeFolder(destination.path)}`,
				);
			return ok(subject, `"${pattern}": cores go to ${destination.path}`);
		case 'systemd-coredump':
			if (!isSeen(destination.path, coredumpPath))
				return warning(
					subject,
					`systemd-coredump keeps cores in ${destination.path}; the agent looks in ${coredumpPath}`,
					`set collector.coredumpPath to ${hostRoot(coredumpPath)}${destination.path}`,
				);
			return socketCheck(destination.path, coredumpPath);
		case 'program':
			return warning(
				subject,
				`cores are handed to ${destination.program}; the agent sees only what that writes into ${coredumpPath}`,
				'set collector.coredumpPath to where it keeps cores',
			);
		case 'socket':
			return warning(
				subject,
				`cores are handed to whoever listens on ${destination.path}; the agent sees only what that writes into ${coredumpPath}`,
				'set collector.coredumpPath to where it keeps cores',
			);
		default:
			return destination satisfies never;
	}
}

/** Whether an agent that looks in a folder, which in its container lies below /host, sees what comes to another. */
const isSeen = (path: string, coredumpPath: string) => path === coredumpPath || path === pathOnHost(coredumpPath);

async function socketCheck(folder: string, coredumpPath: string): Promise<Check> {
	const finding = `systemd-coredump keeps cores in ${folder}`;
	// Which sockets of the machine are listened on, its containers don't see.
	if (hostRoot(coredumpPath) !== '' || (await systemdListens())) return ok(subject, finding);
	return error(
		subject,
		'systemd-coredump gets the cores, but nobody listens on its socket /run/systemd/coredump: they are lost',
		'as root: systemctl enable --now systemd-coredump.socket',
	);
}
