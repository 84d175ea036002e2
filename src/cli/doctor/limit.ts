import { formatBytes } from '../../base/quantity.ts';
import { corePattern, coreSizeLimits } from '../../drivers/host/host.ts';
import { coreDestination } from '../../readers/corepattern/corepattern.ts';
import { adviceFor } from '../../readers/journald/journald.ts';
import { type Check, ok, warning } from './check.ts';
import type { Surroundings } from './surroundings.ts';

const subject = 'ulimit -c';

/** How large cores may be by RLIMIT_CORE. The containers of a node get theirs from the runtime, as that of the agent does. */
export async function limitCheck({ root }: Surroundings): Promise<Check> {
	const limits = await coreSizeLimits();
	if (limits === undefined) return warning(subject, '/proc/self/limits can not be read', 'run this on Linux, with /proc mounted');
	if (!isHeeded((await corePattern()) ?? '')) return ok(subject, 'does not matter: cores go to a program');
	if (root !== '')
		return limits.soft < smallest
			? warning(subject, `is ${shown(limits.soft)} in containers, as in this one: they leave no core`, forContainers)
			: ok(subject, `${shown(limits.soft)} in containers, as in this one`);
	if (limits.hard === 0)
		return warning(
			subject,
			'the hard limit is 0: nothing that is started from here leaves a core',
			'raise it where the service is started: LimitCORE=infinity, or docker run --ulimit core=-1',
		);
	if (limits.soft < smallest)
		return warning(subject, `is ${shown(limits.soft)}: what is started from here leaves no core`, 'ulimit -c unlimited');
	return ok(subject, shown(limits.soft));
}

const shown = (bytes: number) => (bytes === 0 ? '0' : bytes === Number.POSITIVE_INFINITY ? 'unlimited' : formatBytes(bytes));

/** A page: what is smaller is no core, for the kernel and for systemd-coredump. */
const smallest = 4096;

const forContainers = adviceFor({ is: 'core limit', handler: '', hostPid: 0, name: '' })?.advice ?? '';

/** The kernel minds no limit for a program, but systemd-coredump minds the one that it is told. */
const isHeeded = (pattern: string) =>
	!pattern.startsWith('|') || (coreDestination(pattern).is === 'systemd-coredump' && /\s%c(?:\s|$)/.test(pattern));
