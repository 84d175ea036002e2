import { copyFileSync, renameSync } from 'node:fs';
import { expect } from 'vitest';
import { installation, settled } from '../support/agent.ts';
import { crashTest } from '../support/crash.ts';
import { type FaultyAnswer, faultyDebuginfod } from '../support/debuginfod.ts';
import { splitCrash } from '../support/split-crash.ts';

crashTest(
	'an agent that waits for a debuginfod server ends in order, and the next one analyses the crash with what that gives then',
	async () => {
		await using one = await splitCrash();
		let answer: FaultyAnswer = { head: 'silence' };
		await using server = await faultyDebuginfod(() => answer);
		await using home = await installation({ analyzer: { symbols: { debuginfod: server.address } } });
		const agent = await home.start();
		copyFileSync(one.core, home.place('.arriving'));
		renameSync(home.place('.arriving'), `${home.place('cores')}/core`);
		await expect.poll(() => server.asked().length, { timeout: 20_000 }).toBeGreaterThan(0);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		answer = { status: 404 };
		const next = await home.start();
		await settled(home);
		const { line } = next;
		expect(await line('debuginfod')).toMatchObject({ level: 'debug', kind: 'debuginfo', outcome: 'none', address: server.address });
		expect(home.reports()).toMatchObject([{ status: 'stored', signal: { name: 'SIGSEGV' } }]);
		expect(home.reports()[0]?.notes).toContainEqual(
			expect.stringMatching(new RegExp(`^debuginfod ${server.address} has no debug information of faults`)),
		);
		const { metrics } = await line('listening');
		const counted = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
		expect(counted).toMatch(/^milvus_coredump_agent_debuginfod_calls_total\{outcome="none"\} [1-9]/m);
		await next.stop();
	},
	120_000,
);
