import { formatBytes, formatSpan } from '../../base/quantity.ts';
import { adviceFor, type Loss, lossOf, type Note } from '../../readers/journald/journald.ts';
import { type CoredumpSettings, type HandlerLimits, spaceLimits } from '../../readers/systemdconf/systemdconf.ts';
import { type Check, error, ok, warning } from './check.ts';
import type { Demand } from './demand.ts';

const conf = 'coredump.conf';
const socket = 'systemd-coredump.socket';
const service = 'systemd-coredump@.service';

/** What would be told of a core that was lost so. */
const lossBy = (note: Note, corePipeLimit?: number): Loss => adviceFor(note, { corePipeLimit }) as Loss;

export function pipeCheck(corePipeLimit: number, { crashesAtOnce }: Demand): Check {
	const subject = 'core_pipe_limit';
	if (corePipeLimit === 0)
		return warning(
			subject,
			'is 0: the kernel does not wait for systemd-coredump, which may find the process gone, and its cgroup and host name with it: nobody can say then which pod crashed',
			'as root: sysctl -w kernel.core_pipe_limit=16, and the same in a file in /etc/sysctl.d',
		);
	if (corePipeLimit >= crashesAtOnce) return ok(subject, `${corePipeLimit} crashes at once`);
	const { words, advice } = lossBy({ is: 'over core_pipe_limit', pid: 0, name: '' }, corePipeLimit);
	return warning(subject, `is ${corePipeLimit}: when more crash at once (here up to ${crashesAtOnce}) there is ${words}`, advice);
}

/** @returns undefined where the limits are not known */
export function connectionsCheck(limits: HandlerLimits, { crashesAtOnce }: Demand): Check | undefined {
	const { maxConnections, maxConnectionsPerSource } = limits;
	if (maxConnections === undefined || maxConnectionsPerSource === undefined) return undefined;
	const isPerSource = maxConnectionsPerSource > 0 && maxConnectionsPerSource < maxConnections;
	const most = isPerSource ? maxConnectionsPerSource : maxConnections;
	const setting = `${isPerSource ? 'MaxConnectionsPerSource' : 'MaxConnections'}=${most}`;
	if (most >= crashesAtOnce) return ok(socket, `${setting}: ${most} crashes at once`);
	const { words, advice } = lossBy({ is: 'too many connections', connections: most });
	return warning(socket, `${setting}: when more crash at once (here up to ${crashesAtOnce}) there is ${words}`, advice);
}

export function storageCheck({ storage }: CoredumpSettings): Check {
	if (storage === 'external') return ok(conf, 'Storage=external: cores become files');
	const { words, advice } = lossOf({ core: { is: storage === 'journal' ? 'in journald' : 'not stored', isTruncated: false } }) as Loss;
	return error(conf, `Storage=${storage}: ${words}`, storage === 'none' ? 'set Storage=external in /etc/systemd/coredump.conf' : advice);
}

/** @returns undefined where the limits are not known */
export function sizeCheck({ processSizeMax, externalSizeMax }: CoredumpSettings, { coreBytes, whose }: Demand): Check | undefined {
	if (processSizeMax === undefined || externalSizeMax === undefined) return undefined;
	const whole = Math.max(processSizeMax, externalSizeMax);
	const example = `a core of ${formatBytes(coreBytes)} (${whose})`;
	if (whole < coreBytes) {
		const { words, advice } = lossBy({ is: 'cut', handler: '', sizeBytes: whole });
		return warning(conf, `${example} would not be whole: ${words}`, advice);
	}
	if (externalSizeMax < coreBytes) {
		const { words, advice } = lossBy({ is: 'too large', handler: '', sizeBytes: coreBytes, mostBytes: externalSizeMax });
		return warning(conf, `${example} would be lost, unless it packs to less: ${words}`, advice);
	}
	return ok(conf, externalSizeMax === Number.POSITIVE_INFINITY ? 'cores of any size' : `cores of up to ${formatBytes(externalSizeMax)}`);
}

/** Whether a core stays until the agent has it. */
export function spaceChecks(
	settings: CoredumpSettings,
	disk: { readonly sizeBytes: number; readonly freeBytes: number },
	{ coreBytes, whose }: Demand,
): Check[] {
	const { maxUse, keepFree } = spaceLimits(settings, disk.sizeBytes);
	const { advice } = lossBy({ is: 'removed', file: '' });
	const free = `${formatBytes(disk.freeBytes)} free for cores`;
	const core = `a core may take ${formatBytes(coreBytes)} (${whose})`;
	const ofSpace =
		disk.freeBytes < keepFree
			? warning(conf, `${free}, less than KeepFree=, ${formatBytes(keepFree)}: each new core removes all older ones at once`, advice)
			: disk.freeBytes < coreBytes
				? warning(conf, `${free}, and ${core}`, lossBy({ is: 'not written', handler: '', error: '' }).advice)
				: ok(conf, keepFree === 0 ? `${free} (KeepFree=0)` : `${free}, of which ${formatBytes(keepFree)} stay free (KeepFree=)`);
	const ofUse =
		maxUse > 0 && maxUse < coreBytes
			? warning(conf, `all cores together may take ${formatBytes(maxUse)} (MaxUse=), and ${core}: each removes the one before`, advice)
			: ok(conf, maxUse === 0 ? 'cores may take all space (MaxUse=0)' : `all cores together may take ${formatBytes(maxUse)} (MaxUse=)`);
	return [ofSpace, ofUse];
}

/** Seen with zstd on an older processor: 37 s for 3 GiB. */
const msPerByte = 12_000 / 1024 ** 3;

/** @returns undefined where the limit is not known */
export function timeCheck({ runtimeMaxMs }: HandlerLimits, { coreBytes, whose }: Demand): Check | undefined {
	if (runtimeMaxMs === undefined) return undefined;
	if (runtimeMaxMs === Number.POSITIVE_INFINITY) return ok(service, 'RuntimeMaxSec=infinity: time for any core');
	const most = `RuntimeMaxSec=${formatSpan(runtimeMaxMs)}`;
	const needed = coreBytes * msPerByte;
	if (needed <= runtimeMaxMs) return ok(service, `${most}: time for a core of ${formatBytes(runtimeMaxMs / msPerByte)}`);
	const { words, advice } = lossBy({ is: 'service failed', handler: service, result: 'timeout' });
	return warning(
		service,
		`${most}, but a core of ${formatBytes(coreBytes)} (${whose}) takes about ${formatSpan(needed)}: ${words}`,
		advice,
	);
}
