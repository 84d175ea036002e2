import { existsSync, readdirSync, rmSync } from 'node:fs';
import { expect } from 'vitest';
import type { CrashReport } from '../../src/domain/report.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { deliver, installation, settled } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import { crashTest } from '../support/crash.ts';

crashTest(
	'a core that is stored slim is shown, verified, fetched, debugged, and looked into again like a whole one',
	async () => {
		await using home = await installation({
			storage: { sampling: { full: 0, slim: 3 } },
			collector: { removeOriginal: 'afterStored' },
		});
		const agent = await home.start();
		const original = await deliver(home, 'fifty', 'core.1');
		await settled(home);
		const run = (...args: string[]) => cli([...args, '--config', home.config]);
		const show = async (): Promise<CrashReport> => JSON.parse((await run('show', home.reports()[0]?.id ?? '', '--json')).stdout);
		const before = await show();
		const { id, storage, culprit, threads, fingerprint, complete } = before;
		expect(storage).toMatchObject({ form: 'slim', reason: expect.stringContaining('core 1 of 3') });
		expect(complete).toBe('yes');
		expect((await run('show', id)).stdout).toMatch(/stored +\S+\.core\.zst \([\d.]+ [KM]B, slim\)/);
		await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(2);

		expect((await run('verify')).code).toBe(0);
		const fetched = home.place('fetched.core.zst');
		expect((await run('fetch', id, '--output', fetched)).code).toBe(0);
		expect((await readPass(fetched)).slim).toMatchObject({ originalComplete: 'yes' });
		const { stdout, stderr } = await cli(['gdb', id, '--config', home.config, '--', '-batch', '-ex', 'bt']);
		expect(stdout).toMatch(/#0 .*write_null/);
		expect(stderr).toContain('the core is slim');

		expect(existsSync(original)).toBe(true);
		rmSync(original);
		expect((await run('reanalyze', id)).stdout).toContain('revision 2: nothing changed');
		const after = await show();
		expect(after).toMatchObject({ culprit, threads, fingerprint, complete, storage });
		expect(after.notes).toContainEqual(expect.stringContaining('what was read is a slim core'));
		await agent.stop();
		expect(readdirSync(home.place('scratch'))).toEqual([]);
	},
	120_000,
);
