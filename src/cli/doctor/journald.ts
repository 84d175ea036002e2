import { formatSpan } from '../../base/quantity.ts';
import type { Config } from '../../config/config.ts';
import { corePattern, corePipeLimit, hostRoot, pathOnHost } from '../../drivers/host/host.ts';
import { readJournald, type Unavailable } from '../../drivers/journald/journald.ts';
import { coreDestination } from '../../readers/corepattern/corepattern.ts';
import type { JournaldEntry } from '../../readers/journald/journald.ts';
import { unreadable } from '../files.ts';
import { type Check, ok, warning } from './check.ts';
import { type LostCores, lostCores } from './lost-cores.ts';
import type { Surroundings } from './surroundings.ts';

const subject = 'journald';
/** Where journald writes: for good, or until the next boot. */
const [lasting, volatile] = ['/var/log/journal', '/run/log/journal'] as const;
const lookBackMs = 24 * 3_600_000;
const patienceMs = 30_000;
const mostEntries = 200_000;

/** Whether the host's journal can be read, which says whose a core was, and which cores it says were lost. */
export async function journaldChecks(
	{ collector: { journaldPath } }: Config,
	{ isOnCluster }: Surroundings,
	now = Date.now(),
): Promise<Check[]> {
	// On a machine of its own the agent does not read it, but what was lost there is worth telling.
	const directory = isOnCluster ? journaldPath : await ownJournal();
	if (directory === undefined) return [];
	const { entries, unavailable, isCut } = await lastEntries(directory, now - lookBackMs);
	if (unavailable)
		return isOnCluster
			? [warning(subject, `${unavailable.message}; cores are associated without it`, await todoFor(unavailable, directory))]
			: [];
	const part = isCut ? ' (only a part of it was read)' : '';
	const losses = lostCores(entries, { corePipeLimit: await corePipeLimit() });
	return [
		ok(subject, `${directory} can be read`),
		...(losses.length === 0
			? [ok('lost cores', `none in the last ${formatSpan(lookBackMs)}${part}`)]
			: losses.map((loss) => lossCheck(loss, part, now))),
	];
}

async function ownJournal(): Promise<string | undefined> {
	if (coreDestination((await corePattern()) ?? '').is !== 'systemd-coredump') return undefined;
	return (await unreadable(lasting)) === undefined ? lasting : volatile;
}

const lossCheck = ({ count, lastMs, loss: { words, advice } }: LostCores, part: string, now: number) =>
	warning(
		'lost cores',
		`${count} in the last ${formatSpan(lookBackMs)}${part}, the last ${formatSpan(now - lastMs)} ago: ${words}`,
		advice,
	);

async function lastEntries(directory: string, sinceMs: number) {
	const entries: JournaldEntry[] = [];
	const patience = AbortSignal.timeout(patienceMs);
	for await (const event of readJournald({ directory, sinceMs, isFollowing: false }, patience)) {
		switch (event.is) {
			case 'unavailable':
				return { entries, unavailable: event, isCut: false };
			case 'coredump':
			case 'note':
				entries.push(event);
				if (entries.length >= mostEntries) return { entries, isCut: true };
				break;
			case 'disbelieved':
			case 'other':
			case 'reading':
			case 'gap':
			case 'skipped':
				break;
			default:
				event satisfies never;
		}
	}
	return { entries, isCut: patience.aborted };
}

async function todoFor({ reason }: Unavailable, directory: string): Promise<string> {
	const other = hostRoot(directory) + (pathOnHost(directory) === volatile ? lasting : volatile);
	const mount = hostRoot(directory) === '' ? '' : `mount ${pathOnHost(directory)} of the node at ${directory}, read-only, and `;
	switch (reason) {
		case 'no directory':
		case 'no journal files':
			if ((await unreadable(other)) === undefined) return `set collector.journaldPath to ${other}`;
			return `${mount}on the node, as root: mkdir -p ${lasting} && systemctl restart systemd-journald (or Storage=persistent in journald.conf)`;
		case 'no permission':
			return 'run the agent as root, or in the group systemd-journal';
		case 'not installed':
			return 'install journalctl beside the agent: as root: apt-get install systemd';
		case 'ended':
		case 'replaced':
			return `see what it says: journalctl --directory=${directory} -n 1`;
		default:
			return reason satisfies never;
	}
}
