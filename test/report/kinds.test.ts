import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyse, loadKnownIssues } from '../../src/components/analyzer/analyzer.ts';
import { defaultPanicKeywords } from '../../src/config/config.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { plain, reportMarkdown, reportText } from '../../src/report/report.ts';
import { root } from '../support/crash.ts';

const now = Date.parse('2026-11-23T06:30:00Z');
const golden = (name: string) => join(root, 'test/fixtures/report', name);

/** What a trace is of, for each kind of report. */
const kinds = {
	'fault in C++ called from Go, a known issue': 'mt-003',
	'fault in C code without frames': 'mt-031',
	'fault on a page of a mapped file': 'mt-016',
	'uncaught exception': 'mt-025',
	'damaged heap': 'mt-082',
	'Go panic': 'mt-058',
	'Go fatal error': 'real-go-maps',
	'Rust panic': 'mt-077',
	'deliberate exit': 'mt-071',
	'nothing to go by': 'mt-073',
} as const;

async function reportOf(trace: string): Promise<CrashReport> {
	const time = '2026-11-23T06:25:58.000Z';
	const log = { path: join(root, 'test/fixtures/traces', `${trace}.log`), sizeBytes: 0 };
	const found: Event<'CoredumpFile'> = { kind: 'CoredumpFile', key: '3f9c00000001', body: { core: null, log, time, foundAt: time } };
	const options = {
		places: { sysroot: '/', paths: [] },
		gdb: undefined,
		scratch: { path: root, maxBytes: 0 },
		panicKeywords: defaultPanicKeywords,
		knownIssues: loadKnownIssues([]),
	};
	const body = await analyse(found.body, options);
	const report = crashReport.parse(fold(fold(undefined, found), { kind: 'AnalysisResults', key: found.key, body }));
	return { ...report, log: { path: 'previous.log', sizeBytes: 1000 }, notes: report.notes.map((note) => note.replace(`${root}/`, '')) };
}

describe('a report from a log alone', () => {
	for (const [kind, trace] of Object.entries(kinds)) {
		test(kind, async () => {
			const report = await reportOf(trace);
			const name = kind.replaceAll(/\W+/g, '-');
			await expect(reportText(report, { paint: plain, now })).toMatchFileSnapshot(golden(`log/${name}.txt`));
			await expect(reportMarkdown(report, { now })).toMatchFileSnapshot(golden(`log/${name}.md`));
		});
	}
});
