import { describe, expect, test } from 'vitest';
import { coredumpSettings, handlerLimits, inOrder, spaceLimits } from '../../src/readers/systemdconf/systemdconf.ts';

const gibibyte = 1024 ** 3;
const settings = (text: string, version = 252) => coredumpSettings([text], version);

describe('coredump.conf', () => {
	test('what is not said has the default of the version', () => {
		const comments = '[Coredump]\n#Storage=none\n#ProcessSizeMax=2G\n; ExternalSizeMax=2G\n';
		const rest = { storage: 'external', maxUse: undefined, keepFree: undefined };
		const all = (bytes: number | undefined) => ({ ...rest, processSizeMax: bytes, externalSizeMax: bytes });
		expect(settings(comments, 250)).toEqual(all(2 * gibibyte));
		expect(settings(comments, 251)).toEqual(all(32 * gibibyte));
		expect(coredumpSettings([], undefined)).toEqual(all(undefined));
	});

	test('the last file counts, and in it the last value that is right', () => {
		const texts = [
			'[Coredump]\nStorage=journal\nMaxUse=1G\nKeepFree=2G\n',
			'[Coredump]\nStorage=nowhere\nMaxUse=5G\nMaxUse=many\nKeepFree=0\n[Other]\nStorage=none\n',
		];
		expect(coredumpSettings(texts, 252)).toMatchObject({ storage: 'journal', maxUse: 5 * gibibyte, keepFree: 0 });
	});

	test('is read as systemd.syntax(7) says', () => {
		const text = '\ufeff  [Coredump]  \r\n  ExternalSizeMax = infinity \r\nProcessSizeMax=\\\n# between\n  8G\nMaxUse=1.5K\nKeepFree=3 M';
		expect(settings(text)).toEqual({
			...{ storage: 'external', externalSizeMax: Number.POSITIVE_INFINITY, processSizeMax: 8 * gibibyte },
			...{ maxUse: 1536, keepFree: 3 * 1024 ** 2 },
		});
		expect(settings('ExternalSizeMax=1G\n[Coredumps]\nExternalSizeMax=1G\nMaxUse').externalSizeMax).toBe(32 * gibibyte);
	});

	test.each(['', '-1', '1e9', '0x10', '1GB', '2 G x', '99999999999999999999999', '20E', 'infinity', '1..5G', 'NaN', '١G'])(
		'%j is no size for MaxUse, and is left out',
		(value) => expect(settings(`[Coredump]\nMaxUse=7\nMaxUse=${value}\n`).maxUse).toBe(7),
	);

	test('hostile text neither takes long nor is thrown on', () => {
		const texts = [
			'\\\n'.repeat(200_000),
			'['.repeat(200_000),
			`[Coredump]\nMaxUse=${'1'.repeat(500_000)}G`,
			`[Coredump]\nMaxUse=${' '.repeat(500_000)}x`,
			`[Coredump]\n${'MaxUse=x\\\n'.repeat(200_000)}`,
			'='.repeat(200_000),
			'\0\ud800[Coredump]\n__proto__=1\nconstructor=2',
		];
		const started = performance.now();
		for (const text of texts) expect(settings(text)).toMatchObject({ storage: 'external', maxUse: undefined });
		expect(handlerLimits(texts, [`[Service]\nRuntimeMaxSec=${'1 '.repeat(100_000)}x`])).toMatchObject({
			maxConnections: 64,
			runtimeMaxMs: Number.POSITIVE_INFINITY,
		});
		expect(performance.now() - started).toBeLessThan(5_000);
	});
});

test('space is a share of the file system, but never more than 4 GiB where it is not said', () => {
	const rest = { maxUse: undefined, keepFree: undefined };
	expect(spaceLimits(rest, 10 * gibibyte)).toEqual({ maxUse: gibibyte, keepFree: 1.5 * gibibyte });
	expect(spaceLimits(rest, 1000 * gibibyte)).toEqual({ maxUse: 4 * gibibyte, keepFree: 4 * gibibyte });
	expect(spaceLimits({ maxUse: 0, keepFree: 5 }, gibibyte)).toEqual({ maxUse: 0, keepFree: 5 });
});

test('the limits of socket and service are those of the units', () => {
	expect(handlerLimits(['[Socket]\nAccept=yes\nMaxConnections=16\n'], ['[Service]\nRuntimeMaxSec=5min\n'])).toEqual({
		...{ maxConnections: 16, maxConnectionsPerSource: 0, runtimeMaxMs: 300_000 },
	});
	expect(handlerLimits(undefined, undefined)).toEqual({
		...{ maxConnections: undefined, maxConnectionsPerSource: undefined, runtimeMaxMs: undefined },
	});
	for (const [text, runtimeMaxMs] of [
		['300', 300_000],
		['1h 30min', 5_400_000],
		['1.5m', 90_000],
		['infinity', Number.POSITIVE_INFINITY],
		['soon', Number.POSITIVE_INFINITY],
	] as const)
		expect(handlerLimits(undefined, [`[Service]\nRuntimeMaxSec=${text}`]).runtimeMaxMs, text).toBe(runtimeMaxMs);
});

test('drop-ins count by their names, and of one name that in the strongest folder', () => {
	const folders = [
		{ path: '/etc/d', names: ['50-b.conf', 'README', '.hidden.conf', '90-z.conf'] },
		{ path: '/run/d', names: ['60-c.conf', '50-b.conf'] },
		{ path: '/usr/lib/d', names: ['10-a.conf', '60-c.conf', 'a.conf~'] },
	];
	expect(inOrder(folders)).toEqual(['/usr/lib/d/10-a.conf', '/etc/d/50-b.conf', '/run/d/60-c.conf', '/etc/d/90-z.conf']);
});
