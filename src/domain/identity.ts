import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';

/** What tells one crash from another. The kernel gives a pid once per boot and time; a file without these is known by where and when it was written. */
type Identity =
	| { readonly by: 'process'; readonly bootId: string; readonly pid: number; readonly timeMs: number }
	| { readonly by: 'file'; readonly fileId: string };

/** The crash's id: the first 12 hex digits of a SHA-256. Two looks at the same crash give the same id. */
export function crashId(identity: Identity): string {
	const parts = identity.by === 'process' ? [identity.by, identity.bootId, identity.pid, identity.timeMs] : [identity.by, identity.fileId];
	return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}

/** What tells an untouched file from any other: device, inode and modification time. */
export const fileId = ({ dev, ino, mtimeNs }: BigIntStats) => `${dev}:${ino}:${mtimeNs}`;
