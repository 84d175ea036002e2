import { most, type Status } from '../../domain/cleanup-object/cleanup-object.ts';
import type { Contents, ObjectName } from '../../domain/contents.ts';
import { cutText } from '../../domain/crash-object/shorten.ts';
import type { Count } from './count.ts';

/**
 * As far as there is room, each but once: a claim is told of as a volume. Volumes come first, as they are what can be lost, but take no more than half as long
 * as there is anything else; then what has pods, by which it is seen later whether all has gone.
 *
 * @param reports take less, mostly, than they may: what they leave is for contents
 */
export function contentsOf(contents: Contents, reports: Count['reports']): Status['contents'] {
	if (contents.is === 'unknown') return { is: contents.is, reason: cutText(contents.reason, most.textBytes) };
	const bytes = together - sizeOf(reports.slice(0, most.reports), most.reportsBytes);
	const isToldOf = ({ kind, namespace, name }: ObjectName) =>
		kind === 'PersistentVolumeClaim' && contents.volumes.some((volume) => volume.namespace === namespace && volume.name === name);
	const all = {
		volumes: contents.volumes.toSorted((one, other) => Number(other.isLost) - Number(one.isLost)),
		goes: contents.goes.filter((object) => !isToldOf(object)).toSorted((one, other) => Number(hasPods(other)) - Number(hasPods(one))),
		stays: contents.stays.filter((object) => !isToldOf(object)),
	};
	const others = sizeOf([...all.goes, ...all.stays], bytes / 2);
	const volumes = all.volumes.filter(roomOf(bytes - others).has);
	const room = roomOf(bytes - sizeOf(volumes, bytes));
	const goes = all.goes.filter(room.has);
	const stays = all.stays.filter(room.has);
	const omitted = [all.volumes, all.goes, all.stays].flat().length - [volumes, goes, stays].flat().length;
	return { is: contents.is, goes, stays, volumes, ...(omitted > 0 ? { omitted } : {}) };
}

/** Those with the most crashes first. @param contents that are told beside them */
export function reportsOf({ reports }: Count, { goes = [], stays = [], volumes = [] }: Status['contents']): Status['restarts']['reports'] {
	const room = roomOf(Math.min(most.reportsBytes, together - sizeOf([...goes, ...stays, ...volumes], together)));
	return reports
		.slice(0, most.reports)
		.filter(room.has)
		.map((report) => ({ ...report }));
}

const together = most.reportsBytes + most.contentsBytes;
const hasPods = ({ kind }: ObjectName) => ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind);

/** So many bytes of that are told, of those that there is room for. */
function sizeOf(all: readonly object[], bytes: number): number {
	const room = roomOf(bytes);
	for (const one of all) room.has(one);
	return bytes - room.left();
}

/** Takes things as long as they fit. */
function roomOf(bytes: number) {
	let left = bytes;
	return {
		has(one: object): boolean {
			const size = Buffer.byteLength(JSON.stringify(one)) + 1;
			if (size > left) return false;
			left -= size;
			return true;
		},
		left: () => left,
	};
}
