import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { deliver, type Installation, installation } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import { crashTest } from '../support/crash.ts';
import { asNfs, type FaultyFs, faultyFs } from '../support/faulty-fs.ts';

/** The mount is no NFS, but passes for it: test/support/faulty-fs.ts. */
const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;
const describeMount = describe.skipIf(!canMount && process.env.CI !== 'true');

const storingOn = ({ path }: FaultyFs) => installation({ storage: { backend: 'nfs', nfs: { path } } });
const coresIn = ({ files }: FaultyFs) =>
	readdirSync(files, { recursive: true, encoding: 'utf8' }).filter((name) => /^unassociated\/[^.].*\.core\.zst$/.test(name));
/** Brings one more core of the same kind, which needs no program to crash. */
function bringCopy(home: Installation, core: string, name: string): void {
	copyFileSync(core, home.place('.arriving'));
	renameSync(home.place('.arriving'), join(home.place('cores'), name));
}

describeMount('an agent that stores on NFS (skipped without root and /dev/fuse)', () => {
	crashTest('stores there, goes on and is asked while the mount hangs, and stores the rest when that answers', async () => {
		await using mount = await faultyFs();
		await using home = await storingOn(mount);
		const agent = await home.start(await asNfs());
		await agent.line('storage is ready');
		const core = await deliver(home, 'null');
		await expect.poll(() => coresIn(mount).length, { timeout: 20_000 }).toBe(1);
		const location = join(mount.path, coresIn(mount)[0] ?? '');
		await expect.poll(() => home.reports()[0]?.storage).toMatchObject({ form: 'full', location });

		mount.fails('always all hang');
		bringCopy(home, core, 'core.second');
		await expect.poll(() => home.reports().length, { timeout: 20_000 }).toBe(2);
		const { metrics } = await agent.line('listening');
		expect((await fetch(`http://127.0.0.1:${metrics}/metrics`)).status).toBe(200);
		expect((await cli(['list', '--config', home.config])).code).toBe(0);

		mount.fails();
		await expect.poll(() => coresIn(mount).length, { timeout: 20_000 }).toBe(2);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(agent.errors()).toBe('');
	});

	crashTest('stops in its time while the mount hangs', async () => {
		await using mount = await faultyFs();
		await using home = await storingOn(mount);
		const agent = await home.start(await asNfs());
		await agent.line('storage is ready');
		mount.fails('always all hang');
		await deliver(home, 'null');
		await agent.line('分数计算详情');
		const start = performance.now();
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(performance.now() - start).toBeLessThan(8_000);
		mount.fails();
		const next = await home.start(await asNfs());
		await expect.poll(() => coresIn(mount).length, { timeout: 20_000 }).toBe(1);
		await next.stop();
	});

	crashTest('starts while the mount hangs, and says that it does not answer', async () => {
		await using mount = await faultyFs();
		await using home = await storingOn(mount);
		mount.fails('always all hang');
		const agent = await home.start(await asNfs());
		await deliver(home, 'null');
		await agent.line('分数计算详情');
		expect((await agent.line('storage is not ready')).msg).toMatch(
			/has not answered for 10 seconds \(storage\.nfs\.path\): is its NFS server up\?$/,
		);
		await agent.stop();
	});

	crashTest('writes nothing to the disk below where the share is not mounted, and doctor says so', async () => {
		await using mount = await faultyFs();
		await using home = await storingOn(mount);
		await mount.unmount();
		const agent = await home.start();
		const finding = `${mount.path} is not an NFS mount: mount the share there (storage.nfs.path)`;
		expect((await agent.line('storage is not ready')).msg).toBe(`storage is not ready: ${finding}`);
		await deliver(home, 'null');
		await agent.line('storage tries again later');
		const { stdout } = await cli(['doctor', '--standalone', '--config', home.config]);
		expect(stdout).toContain(`storage.nfs.path: ${finding}\n`);
		await agent.stop();
		expect(readdirSync(mount.path)).toEqual([]);
		expect(readFileSync(home.config, 'utf8')).toContain('"backend":"nfs"');
	});
});
