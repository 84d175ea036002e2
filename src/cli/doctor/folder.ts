import type { Config } from '../../config/config.ts';
import { hostRoot, otherSide } from '../../drivers/host/host.ts';
import { unreadable } from '../files.ts';
import { type Check, error, ok } from './check.ts';

/** Whether the agent can read where it looks for cores. */
export async function folderCheck({ collector: { coredumpPath } }: Config): Promise<Check> {
	const subject = 'collector.coredumpPath';
	const problem = await unreadable(coredumpPath);
	if (problem === undefined) return ok(subject, `${coredumpPath} is there and can be read`);
	if (problem === 'EACCES')
		return error(
			subject,
			`${coredumpPath} can not be read by uid ${process.getuid?.()}`,
			'run the agent as root, or give it the right to read there',
		);
	if (problem === 'ENOTDIR')
		return error(subject, `${coredumpPath} is not a directory`, 'set collector.coredumpPath to the directory of the cores');
	const other = otherSide(coredumpPath);
	const isOther = (await unreadable(other)) === undefined;
	const why =
		hostRoot(coredumpPath) !== ''
			? 'paths below /host exist only in the container of the agent'
			: 'in a container the machine is mounted at /host';
	return error(
		subject,
		`${coredumpPath} is not there${isOther ? `, but ${other} is: ${why}` : ''}`,
		isOther ? `set collector.coredumpPath to ${other}` : 'make it, or set collector.coredumpPath to the directory of the cores',
	);
}
