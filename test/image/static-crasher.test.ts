import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cli } from '../support/cli.ts';
import { crash, crashTest, root } from '../support/crash.ts';

const program = join(root, 'build/crash-test-program/milvus_crasher');

crashTest.each([
	['segv', 'SIGSEGV', 'read_row_count'],
	['abort', 'SIGABRT', 'release_segment'],
	['fpe', 'SIGFPE', 'average_rows'],
])(
	'of the static crash program that dies by %s, the stack and who is to blame are told with source lines',
	{ timeout: 120_000 },
	async (kind, signal, culprit) => {
		await using core = await crash(program, [kind]);
		const report = JSON.parse((await cli(['analyze', '--json', core.core])).stdout);
		expect(report).toMatchObject({ signal: { name: signal }, culprit: { function: culprit } });
		const crashed = report.threads.find((thread: { crashed: boolean }) => thread.crashed);
		const frames = crashed.frames
			.slice(0, 3)
			.map(({ function: name, file, line }: Record<string, string>) => [name, file?.split('/').at(-1), typeof line]);
		expect(frames).toEqual([culprit, 'search', 'search_worker'].map((name) => [name, 'milvus_crasher.c', 'number']));
		// A ConfigMap may hold 1 MiB, and base64 takes a third more.
		expect(statSync(program).size).toBeLessThan(500_000);
	},
);
