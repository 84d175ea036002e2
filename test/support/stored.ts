import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { Journal } from '../../src/journal/journal.ts';
import { temporaryFolder } from './crash.ts';
import { events } from './events.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What an agent leaves that has stored cores: a journal, and a store with cores and the reports beside them. */
export async function withStore() {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const config = place('config.yaml');
	/** Where the store is said to be. JSON is YAML. */
	const configure = (store: string, journal = 'journal.db') =>
		writeFileSync(config, JSON.stringify({ journal: { path: place(journal) }, storage: { localPath: place(store) } }));
	configure('store');
	const journal = new Journal(place('journal.db'), { CoredumpFile: [], AnalysisResults: [], StorageEvent: [] });

	/** Has a crash stored; what its core holds is as good as any. @returns the file, and its report */
	function store(id: string, content: Buffer, { isWithName = true } = {}) {
		const { found, analysed, stored } = events(id);
		const name = `ns.release/20261123T062558Z-${id.slice(0, 6)}_pod_milvus`;
		const file = join(place('store'), `${name}.core.zst`);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, content);
		const storage = {
			form: 'full',
			location: file,
			sha256: sha256(content),
			sizeBytes: content.length,
			...(isWithName && { name }),
		} as const;
		const kept: Event<'StorageEvent'> = { ...stored, body: { is: 'stored', core: stored.body.core, storage } };
		journal.append(found, analysed, kept);
		const report = [found, analysed, kept].reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
		const sidecar = join(place('store'), `${name}.json`);
		writeFileSync(sidecar, `${JSON.stringify(report, null, '\t')}\n`);
		return { file, name, sidecar, report, content: () => readFileSync(file) };
	}

	return {
		place,
		config,
		configure,
		journal,
		store,
		[Symbol.asyncDispose]: async () => {
			journal[Symbol.dispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}
