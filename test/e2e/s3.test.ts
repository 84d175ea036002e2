import { readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { crashReport } from '../../src/domain/report.ts';
import type { S3Options } from '../../src/drivers/s3/s3.ts';
import { deliver, type Installation, installation, settled } from '../support/agent.ts';
import { bin } from '../support/cli.ts';
import { crash, crashTest, exec, program } from '../support/crash.ts';
import { type Asked, s3Gate } from '../support/s3/gate.ts';
import { bucket, describeS3, keys, type S3Server, s3Server } from '../support/s3/server.ts';

/** An agent that stores into a folder of that bucket, with its keys in files. */
async function storingTo({ options }: { readonly options: Pick<S3Options, 'endpoint'> }): Promise<Installation> {
	const home = await installation();
	for (const [name, key] of Object.entries(keys)) writeFileSync(home.place(name), `${key}\n`, { mode: 0o600 });
	const s3 = {
		bucket,
		endpoint: options.endpoint,
		prefix: 'agents',
		accessKeyFile: home.place('accessKey'),
		secretKeyFile: home.place('secretKey'),
	};
	home.configure({ storage: { backend: 's3', s3 } });
	return home;
}

/** The one crash is stored whole, with its report beside it, and commands say where. */
async function expectStored(server: S3Server, home: Installation, original: string): Promise<void> {
	const [report] = home.reports();
	const location = report?.storage?.form === 'full' ? report.storage.location : '';
	expect(location).toMatch(/^s3:\/\/cores\/agents\/unassociated\/\S+\.core\.zst$/);
	await expect.poll(() => server.keys().map((key) => key.replace(/^.*?\./, '')), { timeout: 20_000 }).toEqual(['core.zst', 'json']);
	const packed = home.place('fetched.zst');
	writeFileSync(packed, await server.read(location));
	await exec('bash', ['-c', 'cmp <(zstd -dc "$0") "$1"', packed, original]);
	const { stdout: sum } = await exec('sha256sum', [packed]);
	expect(report?.storage).toMatchObject({ sha256: sum.split(' ')[0] });
	const beside = JSON.parse((await server.read(location.replace(/\.core\.zst$/, '.json'))).toString());
	expect(crashReport.parse(beside)).toEqual(report);
	const said = async (...args: string[]) => (await exec(bin, [...args, '--config', home.config])).stdout;
	expect(JSON.parse(await said('list', '--json'))).toMatchObject([{ storage: { location } }]);
	expect(await said('show', report?.id ?? '')).toContain(location);
	expect(server.uploads()).toEqual([]);
}

const partBytes = 6 << 20;

describeS3('an agent with a bucket', () => {
	crashTest('stores a crash there, and no command or line tells the key', async () => {
		await using server = await s3Server();
		await using home = await storingTo(server);
		const agent = await home.start();
		await agent.line('storage is ready');
		const core = await deliver(home, 'fifty', 'core', { FILL_MB: '48' });
		await settled(home);
		await expectStored(server, home, core);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(JSON.stringify(agent.lines) + agent.errors()).not.toContain(keys.secretKey);
	});

	crashTest('that is away when a crash comes, stores it when it is back', async () => {
		await using server = await s3Server();
		await server.kill();
		await using home = await storingTo(server);
		const agent = await home.start();
		expect((await agent.line('storage is not ready')).msg).toContain('(storage.s3.endpoint ');
		const core = await deliver(home, 'null');
		await agent.line('storing failed');
		await server.start();
		await settled(home);
		await expectStored(server, home, core);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
	});

	/** Puts a core of some 48 MB into the folder of the agent, as systemd-coredump packs it. */
	async function deliverPacked(home: Installation): Promise<{ readonly core: string; readonly packedBytes: number }> {
		await using crashed = await crash(await program('faults.c'), ['fifty'], { environment: { FILL_MB: '48' } });
		const [core, packed] = [home.place('original'), home.place('arriving.zst')];
		await exec('cp', [crashed.core, core]);
		await exec('zstd', ['-q', '-1', core, '-o', packed]);
		const packedBytes = statSync(packed).size;
		renameSync(packed, join(home.place('cores'), 'core.milvus.zst'));
		return { core, packedBytes };
	}

	const partsIn = (asked: readonly Asked[]) => asked.flatMap(({ part, bytes }) => (part === undefined ? [] : [{ part, bytes }]));

	for (const [how, signal] of [
		['killed', 'SIGKILL'],
		['stopped', 'SIGTERM'],
	] as const) {
		crashTest(`${how} in the middle of storing a packed core, sends after the restart only what is missing`, async () => {
			await using server = await s3Server();
			await using gate = await s3Gate(server.port);
			await using home = await storingTo({ options: gate });
			const third = Promise.withResolvers<void>();
			gate.judge(({ part }) => {
				if (part !== 3) return 'pass';
				third.resolve();
				return 'stall';
			});
			const first = await home.start();
			const { core, packedBytes } = await deliverPacked(home);
			await third.promise;
			first.kill(signal);
			await first.ended;
			expect(await server.uploadedKeys()).toHaveLength(1);
			expect(new Set(partsIn(gate.asked()).map(({ part }) => part))).toEqual(new Set([1, 2, 3]));

			gate.judge(() => 'pass');
			const second = await home.start();
			await settled(home);
			await expectStored(server, home, core);
			const sent = partsIn(gate.asked());
			expect(sent.map(({ part }) => part)).toEqual(Array.from({ length: Math.ceil(packedBytes / partBytes) - 2 }, (_, index) => index + 3));
			expect(sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(packedBytes - 2 * partBytes);
			expect(await server.uploadedKeys()).toEqual([]);
			expect(readdirSync(home.place('s3-uploads'))).toEqual([]);
			expect(await second.stop()).toEqual({ code: 0, signal: null });
		});
	}
});
