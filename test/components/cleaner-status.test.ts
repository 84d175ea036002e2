import { expect, test } from 'vitest';
import { exclusions } from '../../src/components/cleaner/rules.ts';
import { statusOf } from '../../src/components/cleaner/status.ts';
import { contentsOf } from '../../src/components/cleaner/told.ts';
import type { Phase, Status } from '../../src/domain/cleanup-object/cleanup-object.ts';

/** A name as long as one can be. */
const name = (index = 0) => `${index}-${'n'.repeat(251)}`.slice(0, 253);
/** As it stands between quotation marks in a text. */
const words = '"it" '.repeat(200);

test('what is said of a removal stays below 16 KiB, however much there is to say', () => {
	const at = '2026-11-23T07:00:00.000Z';
	const workload = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: name() };
	const spec = {
		...({ instance: name(), kind: 'helm', decidedAt: at, dueAt: at, windowSeconds: 3600, limit: 5 } as const),
		target: { apiVersion: 'helm.sh/v1', kind: 'Release', name: name(), uid: 'u'.repeat(36), workload },
	};
	const volumes = Array.from({ length: 100 }, (_, index) => ({ namespace: 'n'.repeat(63), name: name(index), isLost: true, why: words }));
	const goes = Array.from({ length: 300 }, (_, index) => ({ ...workload, name: name(index) }));
	const count = {
		...{ total: 99_999, byComponent: new Map(), last: Date.parse(at), left: exclusions.map(({ why }) => ({ why, count: 9999 })) },
		reports: Array.from({ length: 100 }, (_, index) => ({ name: name(index), count: 9999 })),
	};
	const findings = {
		count,
		support: { total: 99_999, last: undefined, isBackingOff: true },
		contents: contentsOf({ is: 'known', goes, stays: [], volumes }, count.reports),
		enforcement: words,
	};
	const removal = {
		...{ by: `${name()}-${'u'.repeat(36)}`, beganAt: at, attempts: 5, actedAt: at, words, nextTryAt: at, goneAt: at },
	};
	const saved = { namespace: 'n'.repeat(63), name: name(), at };
	let status: Status | undefined;
	for (let turns = 0; turns < 6; turns++)
		for (const phase of ['Running', 'Failed'] as const satisfies Phase[])
			status = statusOf({ phase, why: words, removal, saved }, findings, { namespace: 'n'.repeat(63), spec, status }, Date.parse(at));
	const bytes = Buffer.byteLength(JSON.stringify({ spec, status }));
	expect(status?.transitions).toHaveLength(10);
	expect(bytes).toBeLessThan(14 << 10);
});
