import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { deliver, installation, settled } from '../support/agent.ts';
import { bin } from '../support/cli.ts';
import { crashTest, exec } from '../support/crash.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { freeLease, ownControlPlane } from '../support/kubernetes/definitions.ts';
import { bucket, keys, s3Server } from '../support/s3/server.ts';

const soon = { timeout: 45_000 };

describeKubernetes('a bucket that agents share', () => {
	const own = ownControlPlane();

	crashTest(
		'is cleared by the leader, and who stored what went learns of it',
		async () => {
			await using server = await s3Server();
			await using home = await installation();
			await using leaders = await installation();
			for (const { place, configure } of [home, leaders]) {
				for (const [name, key] of Object.entries(keys)) writeFileSync(place(name), key, { mode: 0o600 });
				const s3 = { bucket, endpoint: server.options.endpoint, accessKeyFile: place('accessKey'), secretKeyFile: place('secretKey') };
				configure({ storage: { backend: 's3', s3 } });
			}
			const agent = await home.start();
			for (const kind of ['null', 'wild'] as const) await deliver(home, kind, `core.${kind}`);
			await settled(home, 2);
			await expect.poll(() => server.keys().length, soon).toBe(4);
			await agent.stop();
			const said = (...args: string[]) => exec(bin, [...args, '--config', home.config]).catch((error) => error);
			const [kept, gone] = home.reports().map(({ id }) => id);
			expect((await said('pin', String(kept))).stdout).toContain('pinned: ');

			const namespace = unique('leaders');
			await own.cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
			await freeLease(own.cluster, namespace);
			const args = ['--config', leaders.config, '--kubeconfig', own.cluster.kubeconfig, '--role', 'controller'];
			const controller = await leaders.start({ POD_NAMESPACE: namespace, POD_NAME: 'controller' }, [], args);
			await controller.line('retention is ready');
			leaders.configure({ storage: { ...JSON.parse(leaders.configText({})).storage, maxStorageSize: 0 } });
			await controller.line('stored core deleted');
			await expect
				.poll(
					() =>
						server
							.keys()
							.filter((key) => !key.endsWith('.json'))
							.map((key) => key.replace(/.*\.(core|)/, ''))
							.sort(),
					soon,
				)
				.toEqual(['deleted', 'pinned', 'zst']);
			expect((await said('fetch', String(gone))).stderr).toContain('deleted as worth least: all together were more than 0 B');
			expect(await controller.stop()).toEqual({ code: 0, signal: null });

			const next = await home.start();
			await next.line('stored core was deleted as worth least');
			const statuses = () => Object.fromEntries(home.reports().map(({ id, status }) => [id, status]));
			await expect.poll(statuses, soon).toEqual({ [String(kept)]: 'stored', [String(gone)]: 'deleted' });
			await expect
				.poll(
					() =>
						server
							.keys()
							.map((key) => key.replace(/^.*?\./, ''))
							.sort(),
					soon,
				)
				.toEqual(['core.zst', 'json', 'pinned']);
			await next.stop();
			expect([agent, controller, next].map(({ errors }) => errors())).toEqual(['', '', '']);
		},
		150_000,
	);
});
