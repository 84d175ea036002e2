import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { EpochMs } from './stage.ts';

/**
 * What tells one crash from another. The kernel gives a pid once per boot and time; a file without these is known by where and when it was written,
 * or if it was brought from elsewhere by what is in it; and a crash without a core by the run of the container that it ended: the id of that, or how many runs there were before.
 */
type Identity =
	| { readonly by: 'process'; readonly bootId: string; readonly pid: number; readonly timeMs: number }
	| { readonly by: 'file'; readonly fileId: string }
	| { readonly by: 'content'; readonly sha256: string }
	| { readonly by: 'container'; readonly podUid: string; readonly container: string; readonly run: string };

/** The crash's id: the first 12 hex digits of a SHA-256. Two looks at the same crash give the same id. */
export function crashId(identity: Identity): string {
	return createHash('sha256').update(partsOf(identity).join('\n')).digest('hex').slice(0, 12);
}

function partsOf(identity: Identity): readonly (string | number)[] {
	switch (identity.by) {
		case 'process':
			return [identity.by, identity.bootId, identity.pid, identity.timeMs];
		case 'file':
			return [identity.by, identity.fileId];
		case 'content':
			return [identity.by, identity.sha256];
		case 'container':
			return [identity.by, identity.podUid, identity.container, identity.run];
		default:
			return identity satisfies never;
	}
}

/** What tells an untouched file from any other: device, inode and modification time. */
export const fileId = ({ dev, ino, mtimeNs }: BigIntStats) => `${dev}:${ino}:${mtimeNs}`;

/** When a file that is known by its id was last written to. */
export const modifiedAt = (id: string): EpochMs => Number(BigInt(id.slice(id.lastIndexOf(':') + 1)) / 1_000_000n);
