import { copyFileSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { deliver, type Installation, installation, settled } from '../support/agent.ts';
import { bin } from '../support/cli.ts';
import { crashTest, exec, mountTest } from '../support/crash.ts';

const sizeOf = (home: Installation) =>
	home.reports().reduce((sum, { storage }) => sum + (storage?.form === 'full' ? storage.sizeBytes : 0), 0);
const statuses = (home: Installation) =>
	home
		.reports()
		.map(({ status }) => status)
		.sort();

crashTest('of a crash loop so many cores are stored, and the reports of the others say why not', async () => {
	await using home = await installation({ storage: { sampling: { full: 1, slim: 1 } } });
	const agent = await home.start();
	const core = await deliver(home, 'null', 'core.1');
	for (const name of ['core.2', 'core.3', 'core.4', 'core.5']) copyFileSync(core, join(home.place('cores'), name));
	await settled(home, 5);
	expect(statuses(home)).toEqual(['skipped', 'skipped', 'skipped', 'stored', 'stored']);
	await deliver(home, 'wild', 'core.6');
	await settled(home, 6);
	await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(6);
	const { stdout: skipped } = await exec(bin, [
		'show',
		home.reports().find(({ status }) => status === 'skipped')?.id ?? '',
		'--config',
		home.config,
	]);
	expect(skipped).toMatch(
		/stored +no: 2 cores of this bug, instance and image, worth as much or more, were kept before \(storage\.sampling\)/,
	);
	await agent.stop();
});

crashTest('cores beyond a limit that is lowered go, the only one of a bug last, and their reports say so', async () => {
	await using home = await installation();
	const agent = await home.start();
	for (const [name, kind] of [
		['core.1', 'null'],
		['core.2', 'wild'],
		['core.3', 'null'],
	] as const)
		await deliver(home, kind, name);
	await settled(home, 3);
	await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(6);

	home.configure({ storage: { maxStorageSize: sizeOf(home) - 1 } });
	const { id, msg } = await agent.line('stored core deleted');
	expect(msg).toMatch(/^stored core deleted as worth least: all together were more than .* \(storage\.maxStorageSize\)$/);
	expect(statuses(home)).toEqual(['deleted', 'stored', 'stored']);
	expect(home.reports().find(({ status }) => status === 'deleted')).toMatchObject({ id, culprit: { function: 'write_null' } });
	await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(4);
	const { stdout } = await exec(bin, ['show', String(id), '--config', home.config]);
	expect(stdout).toMatch(/stored +no more: deleted as worth least: .*; it was .*\.core\.zst/);

	await agent.stop();
	home.configure({ storage: { maxStorageSize: 0 } });
	const next = await home.start();
	await expect.poll(() => statuses(home), { timeout: 20_000 }).toEqual(['deleted', 'deleted', 'deleted']);
	await expect.poll(() => readdirSync(home.place('stored')), { timeout: 20_000 }).toEqual([]);
	await next.stop();
	expect(next.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

mountTest(
	'on a small disk each core finds room, and what must stay free is free again',
	async () => {
		await using home = await installation();
		const disk = home.place('disk');
		mkdirSync(disk);
		const leastBytes = 500_000;
		home.configure({
			analyzer: { enableGdbAnalysis: false },
			storage: { localPath: disk, minFreeSpace: leastBytes, compressionEnabled: false, sampling: { full: 100 } },
		});
		const agent = await home.start({}, ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=2m small "$0" && exec "$@"', disk]);
		await agent.line('storage is ready');
		const core = await deliver(home, 'null', 'core.0');
		for (let index = 1; index < 8; index++) copyFileSync(core, join(home.place('cores'), `core.${index}`));
		await expect.poll(() => agent.lines.filter(({ msg }) => /^stored \d/.test(msg)).length, { timeout: 110_000 }).toBe(8);
		await settled(home, 8);
		const freeBytes = () => {
			const { bavail, bsize } = statfsSync(`/proc/${agent.pid}/root${disk}`);
			return bavail * bsize;
		};
		await expect.poll(freeBytes, { timeout: 30_000 }).toBeGreaterThanOrEqual(leastBytes);
		expect(new Set(statuses(home))).toEqual(new Set(['deleted', 'stored']));
		expect(agent.lines.some(({ msg }) => /only .* must stay free/.test(msg))).toBe(true);
		expect(home.reports().find(({ status }) => status === 'deleted')?.storage).toMatchObject({
			reason: 'deleted as worth least: the disk had too little room (storage.minFreeSpace)',
		});
		expect(
			agent.lines
				.filter(({ level }) => level === 'error')
				.map(({ msg }) => msg)
				.filter((msg) => !msg.startsWith('storage is not ready')),
		).toEqual([]);
		await agent.stop();
	},
	150_000,
);
