import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRoom, storage } from '../../src/components/storage/storage.ts';
import type { Event } from '../../src/domain/events.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { temporaryFolder } from '../support/crash.ts';
import { emptyJournal } from '../support/journal.ts';
import { madeUpCrash } from '../support/made-up-crash.ts';
import { listening } from '../support/telemetry.ts';

const signal = new AbortController().signal;

test('a core that was put just before a death is put again under the same name, whatever is known of its crash by then', async () => {
	await using folder = await temporaryFolder();
	await using opened = await emptyJournal({ AnalysisResults: ['storage'] });
	const store = join(folder.path, 'store');
	const handle = async (event: Event) => {
		const { view } = opened.journal;
		const stage = storage({
			backend: localBackend(store, { is: 'bytes', bytes: 0 }),
			reports: view,
			history: view,
			nameOnce: (id, name) => opened.journal.nameOnce(id, name),
			room: createRoom(),
			telemetry: listening().telemetry,
			options: { valueThreshold: 4, maxFileSizeBytes: Infinity, compression: 'none', sampling: { full: 99, slim: 0 } },
		});
		const outcome = await stage.handle(event as Event<'AnalysisResults'>, signal);
		return outcome.is === 'done' ? outcome.emit : [];
	};
	const { found, analysed } = madeUpCrash(folder.path, 'abcdef000001');
	opened.journal.append(found, analysed);
	const before = opened.journal.claim('storage');
	if (!before) throw new Error('there is nothing to store');
	await handle(before.event);
	const files = () => readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.core.zst'));
	const [first] = files();

	opened.reopen();
	const association = {
		method: 'host name',
		confidence: 'strong',
		namespace: 'another',
		instance: 'release',
		pod: 'pod',
		container: 'c',
	} as const;
	opened.journal.append({ ...found, revision: 2, body: { ...found.body, association } });
	const after = opened.journal.claim('storage');
	if (!after) throw new Error('it is not tried again');
	expect(opened.journal.view.report(found.key)?.association).toEqual(association);
	const [event] = await handle(after.event);
	expect(event).toMatchObject({ kind: 'StorageEvent', body: { is: 'stored', storage: { location: join(store, String(first)) } } });
	expect(files()).toEqual([first]);
});
