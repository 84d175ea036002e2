import { statfs } from 'node:fs/promises';
import type { Config } from '../../config/config.ts';
import { corePattern, corePipeLimit, systemdFiles, systemdVersion } from '../../drivers/host/host.ts';
import { coreDestination } from '../../readers/corepattern/corepattern.ts';
import { coredumpSettings, handlerLimits } from '../../readers/systemdconf/systemdconf.ts';
import { type Check, warning } from './check.ts';
import { connectionsCheck, pipeCheck, sizeCheck, spaceChecks, storageCheck, timeCheck } from './coredump-limits.ts';
import { demandOf } from './demand.ts';
import type { Surroundings } from './surroundings.ts';

/** Whether systemd-coredump, where it takes the cores, is set so that none is lost. */
export async function systemdChecks({ collector: { coredumpPath } }: Config, { root, pods }: Surroundings): Promise<Check[]> {
	if (coreDestination((await corePattern()) ?? '').is !== 'systemd-coredump') return [];
	const [pipeLimit, version, conf, socket, service, disk] = await Promise.all([
		corePipeLimit(),
		systemdVersion(root),
		systemdFiles(root, 'configuration', 'coredump.conf'),
		systemdFiles(root, 'unit', 'systemd-coredump.socket'),
		systemdFiles(root, 'unit', 'systemd-coredump@.service'),
		statfs(coredumpPath).catch(() => undefined), // the check of the folder tells
	]);
	const demand = demandOf(pods);
	const limits = handlerLimits(socket, service);
	const settings = conf && coredumpSettings(conf, version);
	const space = disk && { sizeBytes: disk.blocks * disk.bsize, freeBytes: disk.bfree * disk.bsize };
	return [
		...(pipeLimit === undefined ? [] : [pipeCheck(pipeLimit, demand)]),
		connectionsCheck(limits, demand),
		...(settings ? [storageCheck(settings), sizeCheck(settings, demand)] : []),
		...(settings && space ? spaceChecks(settings, space, demand) : []),
		timeCheck(limits, demand),
		unseenCheck(root, {
			'coredump.conf': conf,
			'systemd-coredump.socket': socket,
			'systemd-coredump@.service': service,
			'the version of systemd': version,
		}),
	].filter((check) => check !== undefined);
}

/** @param found what was looked for, by its name */
function unseenCheck(root: string, found: Readonly<Record<string, unknown>>): Check | undefined {
	const unseen = Object.keys(found).filter((name) => found[name] === undefined);
	if (unseen.length === 0) return undefined;
	return warning(
		'systemd-coredump',
		`${unseen.join(', ')} can not be seen in ${root}/etc/systemd and ${root}/usr/lib/systemd: some of its limits are not known`,
		root === '' ? 'run this on the machine itself' : `mount both of the node below ${root}, read-only`,
	);
}
