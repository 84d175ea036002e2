import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { journaldChecks } from '../../../src/cli/doctor/journald.ts';
import { type LostCores, lostCores } from '../../../src/cli/doctor/lost-cores.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { type JournaldEntry, type Note, parseEntry } from '../../../src/readers/journald/journald.ts';
import { temporaryFolder } from '../../support/crash.ts';
import { genuine, unpackJournal, versions } from '../../support/journald.ts';

const bootId = '3'.repeat(32);
const handler = 'systemd-coredump@1-2-3.service';
const at = (recordedAtMs: number) => ({ cursor: '', recordedAtMs, bootId });
const note = (told: Note, recordedAtMs = 1): JournaldEntry => ({ ...at(recordedAtMs), is: 'note', note: told });
const crash = (core: Extract<JournaldEntry, { is: 'coredump' }>['coredump']['core'], by = handler): JournaldEntry => ({
	...at(2),
	is: 'coredump',
	coredump: { bootId, hostPid: 1, timeMs: 1, signal: 11, core, handler: by },
});
const words = (entries: readonly JournaldEntry[]) => lostCores(entries).map(({ count, loss }: LostCores) => `${count} ${loss.words}`);

describe('lost cores', () => {
	test('are counted by their cause, and each once', () => {
		const tooLarge: Note = { is: 'too large', handler, sizeBytes: 3e9, mostBytes: 2e9 };
		expect(words([note(tooLarge), crash({ is: 'not stored' })])).toEqual(['1 no core: 3.0 GB are more than ExternalSizeMax=, 2.0 GB']);
		expect(words([crash({ is: 'not stored' }), note({ ...tooLarge, handler: 'systemd-coredump@2-2-3.service' })])).toEqual([
			'1 no core: 3.0 GB are more than ExternalSizeMax=, 2.0 GB',
			'1 no core: systemd-coredump stored none',
		]);
		const over: Note = { is: 'over core_pipe_limit', pid: 1, name: 'milvus' };
		expect(words([note(tooLarge), note(over), note(over, 5), note(over, 3)])).toEqual([
			'3 no core: over core_pipe_limit',
			'1 no core: 3.0 GB are more than ExternalSizeMax=, 2.0 GB',
		]);
		expect(lostCores([note(over), note(over, 5), note(over, 3)])[0]?.lastMs).toBe(5);
	});

	test('are not those that were stored whole, whatever became of the unit', () => {
		const failed = note({ is: 'service failed', handler, result: 'timeout' });
		const whole = crash({ is: 'file', name: 'core.a', isTruncated: false });
		expect(words([whole, failed])).toEqual([]);
		expect(words([failed, whole])).toEqual([]);
		expect(words([failed])).toEqual([`1 no core: ${handler} failed (timeout)`]);
	});

	test('are those that made way soon after their crash, not the old ones', () => {
		const timeMs = 1_795_420_883_412;
		const file = `core.milvus.0.${bootId}.17.${timeMs}000.zst`;
		const removed = (afterMs: number) => words([note({ is: 'removed', file }, timeMs + afterMs)]);
		expect(removed(60_000)).toEqual([`1 core removed by systemd-coredump: ${file}`]);
		expect(removed(7_200_000)).toEqual([]);
	});

	test.each(versions)('%s: of a genuine crash storm', (version) => {
		const storm = genuine(version, 'kernel-over-core-pipe-limit').map((line) => parseEntry(line));
		const entries = storm.filter((entry) => entry !== undefined);
		expect(words(entries)).toEqual([`${entries.length} no core: over core_pipe_limit`]);
		expect(entries.length).toBeGreaterThan(1);
	});
});

describe("the host's journal", () => {
	const config = (journaldPath: string) => {
		const { config } = loadConfig({ mode: 'node', paths: { stateHome: '', corePatternDirectory: '' } });
		return { ...config, collector: { ...config.collector, journaldPath } };
	};
	const surroundings = { isOnCluster: true, root: '', pods: undefined };

	test.each(versions)('%s: what it tells of the last day is told as in reports', async (version) => {
		await using folder = await temporaryFolder();
		await unpackJournal(version, folder.path);
		const tellAt = async (now: number) => {
			const checks = await journaldChecks(config(folder.path), surroundings, now);
			return checks.map(({ state, subject, finding, todo }) => `${state} ${subject}: ${finding}\n${todo ? `\t→ ${todo}\n` : ''}`);
		};
		const [readable = '', ...lost] = await tellAt(Date.parse('2026-11-23T12:00:00Z'));
		expect(readable).toBe(`ok journald: ${folder.path} can be read\n`);
		const anyLimit = lost.join('').replace(/(?<=sysctl, now )\d+/, '16'); // that of the machine on which the test runs
		await expect(anyLimit).toMatchFileSnapshot(`../../fixtures/doctor/lost-cores-${version}.txt`);
		expect(await tellAt(Date.parse('2027-01-01T00:00:00Z'))).toEqual([readable, 'ok lost cores: none in the last 24 h\n']);
	});

	test('that is not to be read is told with what to do', async () => {
		await using folder = await temporaryFolder();
		const empty = join(folder.path, 'empty');
		mkdirSync(empty);
		expect(await journaldChecks(config(empty), surroundings)).toEqual([
			{
				state: 'warning',
				subject: 'journald',
				finding: `there is no journal in ${empty}: with Storage=volatile (journald.conf) it is in /run/log/journal; cores are associated without it`,
				todo: expect.stringContaining('mkdir -p /var/log/journal && systemctl restart systemd-journald'),
			},
		]);
		rmSync(empty, { recursive: true });
		expect((await journaldChecks(config(empty), surroundings))[0]?.finding).toContain('can not be read (ENOENT)');
	});

	test('is of no interest on a machine of its own whose cores do not go to systemd-coredump', async () => {
		expect(await journaldChecks(config('/nowhere'), { ...surroundings, isOnCluster: false })).toEqual([]);
	});
});
