import { basename, dirname } from 'node:path';
import { defined } from '../../base/defined.ts';
import type { Association } from '../../domain/report.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** What the name of a stored core tells of its crash. */
export type Bearings = {
	/** The first six digits of its id. */
	readonly idStart: string;
	readonly timeMs: EpochMs | undefined;
	readonly association: Association;
};

const named = /^(\d[\dTZ:_.-]*)-([0-9a-f]{6})_([A-Za-z0-9.-]+)_([A-Za-z0-9_.-]+)\.(?:core(?:\.(?:zst|gz|lz4|xz))?|crash)$/;

/**
 * Reads a name as agents give it, earlier ones too: `{namespace}.{instance}/{time}-{id6}_{pod}_{container}.core.gz`, or
 * `unassociated/{time}-{id6}_{host}_{process}.core.gz`.
 *
 * @returns undefined for any other file
 */
export function bearingsOf(path: string): Bearings | undefined {
	const folder = basename(dirname(path));
	const [, time = '', idStart, where = '', container = ''] = named.exec(basename(path)) ?? [];
	if (idStart === undefined) return undefined;
	const [, namespace, instance] = /^([^.]+)\.(.+)$/.exec(folder) ?? [];
	if (namespace !== undefined && instance !== undefined)
		return {
			idStart,
			timeMs: timeIn(time),
			association: { method: 'store', confidence: 'strong', namespace, instance, pod: where, container },
		};
	if (folder !== 'unassociated') return undefined;
	const host = where === 'unknown-host' ? undefined : where;
	return { idStart, timeMs: timeIn(time), association: { method: 'none', confidence: 'none', ...defined({ host }) } };
}

/** `20261123T062558Z`, also with other signs or none between its parts, in UTC; or seconds since the epoch. */
function timeIn(text: string): EpochMs | undefined {
	const digits = text.replaceAll(/\D/g, '');
	if (/^\d{10}$/.test(text)) return Number(text) * 1000;
	const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d{0,9}$/.exec(digits) ?? [];
	const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
	return Number.isNaN(time) ? undefined : time;
}
