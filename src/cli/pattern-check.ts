import type { Config } from '../config/config.ts';
import { corePattern, isListening } from '../drivers/host/host.ts';
import { coreDestination } from '../readers/corepattern/corepattern.ts';
import { type Check, error, ok, warning } from './check.ts';
import { isThere } from './files.ts';

const subject = 'core_pattern';
const makeFolder = (path: string) => `mkdir -m 1777 -p ${path}`;
const sendToFolder = `as root: ${makeFolder('/var/crash')} && sysctl -w kernel.core_pattern=/var/crash/core.%e.%p.%h.%t`;

/** Whether the cores of this machine come to where the agent looks. */
export async function patternCheck({ collector: { coredumpPath } }: Config): Promise<Check> {
	const pattern = await corePattern();
	if (pattern === undefined)
		return warning(subject, '/proc/sys/kernel/core_pattern can not be read', 'run this on Linux, with /proc mounted');
	const destination = coreDestination(pattern);
	switch (destination.is) {
		case 'nowhere':
			return error(subject, 'is empty: no core is written', sendToFolder);
		case 'working directory':
			return warning(
				subject,
				`"${pattern}" is relative: each process writes its core into its own working directory; the agent sees only ${coredumpPath}`,
				sendToFolder,
			);
		case 'folders':
			return warning(
				subject,
				`"${pattern}": each crash has a folder of its own below ${destination.path}; the agent sees only what lies in ${coredumpPath} itself`,
				sendToFolder,
			);
		case 'folder':
			if (!isSeen(destination.path, coredumpPath))
				return warning(
					subject,
					`cores go to ${destination.path}; the agent looks in ${coredumpPath}`,
					`set collector.coredumpPath to ${destination.path}`,
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
					`set collector.coredumpPath to ${destination.path}`,
				);
			return socketCheck(destination.path);
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

/** Whether an agent that looks in a folder, which in its container may lie below /host, sees what comes to another. */
export const isSeen = (path: string, coredumpPath: string) => coredumpPath === path || coredumpPath === `/host${path}`;

const coredumpSocket = '/run/systemd/coredump';

/** Without its socket systemd-coredump stores nothing, and the shell still says "core dumped". */
export const systemdListens = () => isListening(coredumpSocket);

async function socketCheck(folder: string): Promise<Check> {
	if (await systemdListens()) return ok(subject, `systemd-coredump keeps cores in ${folder}`);
	return error(
		subject,
		`systemd-coredump gets the cores, but nobody listens on its socket ${coredumpSocket}: they are lost`,
		'as root: systemctl enable --now systemd-coredump.socket',
	);
}
