import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { storedCopyFrom } from '../../src/agent/stored-copy.ts';
import { type AnalyseOptions, analyzer } from '../../src/components/analyzer/analyzer.ts';
import type { Backend } from '../../src/domain/backend.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { noLog } from '../../src/telemetry/log.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { coreFile, prpsinfo, prstatus, siginfo } from '../support/corefile.ts';
import { temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';

const id = '3f9c00000001';
const never = new AbortController().signal;
const core = coreFile(
	62,
	[prstatus({ id: 7, signal: 11, registers: Array(27).fill(0n) }), prpsinfo(7, 'milvus', 'milvus run'), siginfo(11, 1, 0x10n)],
	[{ address: 0x400000n, flags: 4, bytes: Buffer.alloc(5000, 7) }],
);
const sha256 = createHash('sha256').update(core).digest('hex');

/** A core that is in a store only, which is not to be read as a file on this machine, and its analyzer. */
async function withStored({ maxBytes = 1 << 30 } = {}) {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const local = localBackend(place('store'), { is: 'bytes', bytes: 0 });
	await local.start(never);
	const backend: Backend = { ...local, kind: 'nfs' };
	const name = 'ns.release/20261123T062558Z-3f9c00_pod_milvus';
	const put = await backend.put(
		`${name}.core`,
		{
			open: async function* () {
				yield core;
			},
		},
		never,
	);
	expect(put.sha256).toBe(sha256);
	const { found, analysed, stored } = events(id);
	const kept: Event<'StorageEvent'> = { ...stored, body: { ...stored.body, storage: { form: 'full', name, ...put } } };
	const report = [found, analysed, kept].reduce<CrashReport | undefined>(fold, undefined);
	const options: AnalyseOptions = {
		places: { sysroot: undefined, paths: [] },
		scratch: { path: place('scratch'), maxBytes },
		panicKeywords: [],
		knownIssues: [],
	};
	const stage = analyzer({ telemetry: createTelemetry(noLog()), storedCopy: storedCopyFrom(backend, { report: () => report }), options });
	return {
		place,
		put,
		report,
		stage,
		anew: { ...found, revision: 2, body: { ...found.body, isAnew: true } } satisfies Event<'CoredumpFile'>,
		late: { ...found, revision: 2 },
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

test('what is stored elsewhere is brought, read as the original was, and nothing of it stays', async () => {
	await using there = await withStored();
	const outcome = await there.stage.handle(there.anew, never);
	expect(outcome).toMatchObject({
		is: 'done',
		emit: [
			{
				kind: 'AnalysisResults',
				revision: 2,
				body: {
					core: there.report?.core,
					analysis: { complete: 'yes', signal: { name: 'SIGSEGV', address: '0x10' }, process: { name: 'milvus' } },
					isAnew: true,
				},
			},
		],
	});
	expect(readdirSync(there.place('scratch'))).toEqual([]);
	expect(readFileSync(there.put.location).equals(core)).toBe(true);
});

test('only who looks once more brings it', async () => {
	await using there = await withStored();
	expect(await there.stage.handle(there.late, never)).toEqual({ is: 'done', emit: [] });
	expect(existsSync(there.place('scratch'))).toBe(false);
});

test('what is damaged, gone or too large is given up with the reason, and nothing replaces what was found out', async () => {
	await using there = await withStored();
	writeFileSync(there.put.location, Buffer.alloc(core.length));
	expect(await there.stage.handle(there.anew, never)).toMatchObject({
		is: 'rejected',
		reason: expect.stringMatching(/^the stored core is damaged: /),
	});
	rmSync(there.put.location);
	expect(await there.stage.handle(there.anew, never)).toMatchObject({
		is: 'rejected',
		reason: expect.stringMatching(/^the stored core is gone: /),
	});
	expect(there.stage.goOn?.(there.anew, 'any')).toEqual([]);
	expect(readdirSync(there.place('scratch'))).toEqual([]);
	await using small = await withStored({ maxBytes: 1000 });
	expect(await small.stage.handle(small.anew, never)).toMatchObject({
		is: 'rejected',
		reason: expect.stringContaining('analyzer.scratchSize'),
	});
});

test('a crash of which there was only a log is given up when that is gone', async () => {
	await using there = await withStored();
	const log = { path: there.place('log'), sizeBytes: 10 };
	const restart = { isPanic: true, isStartUp: false, isHealed: false, missed: 0 };
	const anew: Event<'CoredumpFile'> = { ...there.anew, body: { ...there.anew.body, core: null, log, restart } };
	expect(await there.stage.handle(anew, never)).toEqual({ is: 'rejected', reason: 'the log is gone' });
	writeFileSync(log.path, 'panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1\n');
	expect(await there.stage.handle(anew, never)).toMatchObject({ emit: [{ body: { analysis: { kind: 'go panic' } } }] });
});
