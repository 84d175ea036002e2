import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Analysis } from '../../src/domain/report.ts';
import { groupList, plain } from '../../src/report/report.ts';
import { root } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { emptyJournal } from '../support/journal.ts';

test('crashes of the same bug are one group; a stack that is cut off goes to those with the same culprit', async () => {
	await using opened = await emptyJournal();
	const { journal } = opened;
	const crash = (id: string, hour: number, change: Partial<Analysis>) => {
		const { found, analysed } = events(id);
		const { analysis } = analysed.body;
		journal.append(
			{ ...found, body: { ...found.body, time: `2026-11-23T0${hour}:00:00.000Z` } },
			{ ...analysed, body: { ...analysed.body, analysis: { ...analysis, ...change } } },
		);
	};
	const at = (host: string) => ({ association: { method: 'none', confidence: 'none', host } }) as const;
	crash('00000000000a', 1, at('querynode-0'));
	crash('00000000000b', 2, at('querynode-1'));
	crash('00000000000c', 3, {
		...at('querynode-1'),
		fingerprint: 'v1:00000000000000c1',
		threads: [{ id: 1, crashed: true, isCut: true, frames: [] }],
	});
	crash('00000000000d', 4, { fingerprint: 'v1:00000000000000dd', looseFingerprint: 'v1-loose:00000000000000dd' });
	crash('00000000000e', 5, { fingerprint: 'v1:00000000000000ee' }); // the same culprit, called from elsewhere
	crash('00000000000f', 6, { fingerprint: null, looseFingerprint: null });

	const groups = journal.view.groups();
	expect(groups.map(({ fingerprint, count, hosts, newest }) => [fingerprint, count, hosts, newest.id])).toEqual([
		['v1:00000000000000ee', 1, 1, '00000000000e'],
		['v1:00000000000000dd', 1, 1, '00000000000d'],
		['v1:0123456789abcdef', 3, 2, '00000000000c'],
	]);
	const now = Date.parse('2026-11-23T12:00:00Z');
	await expect(groupList(groups, { paint: plain, now })).toMatchFileSnapshot(join(root, 'test/fixtures/report/groups.txt'));
});
