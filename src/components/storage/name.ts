import type { CrashReport } from '../../domain/report.ts';

/** How a stored core is packed, by the end of its name; `.crash` is a report of apport. */
export type StoredAs = '.core.zst' | '.core.gz' | '.core.lz4' | '.core.xz' | '.crash' | '.core';

/**
 * The name of a stored core without its end: `unassociated/{time}-{id6}_{host}_{process}`. It holds only letters, digits and `.-_/`, whatever the process
 * calls itself, and sorts by time.
 */
export function storedName({ id, time, association, process }: Pick<CrashReport, 'id' | 'time' | 'association' | 'process'>): string {
	const compactTime = time.replaceAll(/[-:]|\.\d+/g, '');
	return `unassociated/${compactTime}-${id.slice(0, 6)}_${safe(association.host ?? 'unknown-host')}_${safe(process.name ?? 'unknown')}`;
}

const safe = (text: string) =>
	text
		.replaceAll(/[^A-Za-z0-9_.-]/g, '-')
		.replace(/^\.+/, '-')
		.slice(0, 63);
