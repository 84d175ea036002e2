import { expect, test } from 'vitest';
import { pathOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { installedRelease } from '../support/kubernetes/installed-release.ts';
import { inWords } from '../support/kubernetes/present.ts';
import { removingAgents } from '../support/removing-agents.ts';

/** Who takes over waits for the Lease of the one before, and a minute for what that one has begun. */
const inTime = { timeout: 180_000, interval: 200 };

describeKubernetes('instances that do nothing but crash, where they are removed', () => {
	const own = ownControlPlane();

	test('go once each, at whatever step leaders are killed or stand still', { timeout: 600_000 }, async () => {
		await using here = await removingAgents(own.cluster);
		const { namespace } = here;
		await installedRelease(own.cluster, { namespace, release: 'sound' });
		const names = ['one', 'three', 'two'];
		for (const name of names) await here.crashing(name);
		const before = await here.present();

		const first = await here.controller();
		const isPending = first.hold('before', 'wins');
		await isPending();
		expect(await here.phases()).toEqual({ one: 'Pending', two: 'Pending', three: 'Pending' });

		const second = await here.controller();
		const hasWon = second.hold('after', 'wins');
		await first.kill();
		const won = await hasWon();
		expect(await here.phaseAt(won)).toBe('Running');

		const third = await here.controller();
		const isRunning = third.hold('after', 'wins');
		second.signal('SIGSTOP');
		won.release();
		expect(await here.phaseAt(await isRunning())).toBe('Running');
		expect(await here.saved()).toEqual([]);

		const fourth = await here.controller();
		const hasSaved = fourth.hold('after', 'saves');
		await third.kill();
		await hasSaved();
		expect(await here.saved()).toHaveLength(1);

		const fifth = await here.controller();
		const hasBegun = fifth.hold('after', 'begins');
		await fourth.kill();
		await hasBegun();
		expect(await here.present()).toEqual(before);

		const sixth = await here.controller();
		const hasEnded = sixth.hold('before', 'ends');
		await fifth.kill();
		await hasEnded();
		expect(await here.records()).toHaveLength(3);

		const last = await here.controller();
		await sixth.kill();
		await expect.poll(here.phases, inTime).toEqual({ one: 'Done', two: 'Done', three: 'Done' });

		const seen = second.written.length;
		second.signal('SIGCONT');
		await second.says(last.name);
		// That the Lease is another's by now it may learn by being refused.
		const isRefusedLease = ({ path, status }: (typeof second.written)[number]) => path.includes('/leases/') && status === 409;
		expect(second.written.slice(seen).filter((one) => !isRefusedLease(one))).toEqual([]);
		expect(second.audited('removal begins')).toEqual([]);
		const audited = (words: string) => here.controllers.flatMap((one) => one.audited(words));
		expect(audited('removal begins')).toHaveLength(names.length + 1);
		expect(audited('removal ends')).toHaveLength(names.length);

		const isOfThem = (one: string) => /^(Pod|ReplicaSet) (one|two|three)-/.test(one);
		const goes = await here.goes();
		const stays = before.filter((one) => !inWords(goes).includes(one) && !isOfThem(one));
		await expect.poll(() => here.present(), inTime).toEqual(stays);
		expect(here.deleted()).toEqual(goes.map((one) => pathOf(one)).toSorted());
		expect(here.touched()).toEqual([]);
		const saved = (await here.saved()).map(({ metadata }) => metadata.name);
		expect(saved).toHaveLength(names.length);
		expect(saved.toSorted()).toEqual((await here.cleanups()).map(({ status }) => status.saved.name).toSorted());
	});

	test('goes once when the API server ends meanwhile; what is restored stays when it is to be kept', { timeout: 600_000 }, async () => {
		const { cluster } = own;
		await using here = await removingAgents(cluster);
		await here.crashing('one');
		const before = await here.present();
		const controller = await here.controller();
		const isAtIt = controller.hold('before', 'deletes');
		const held = await isAtIt();
		expect(await here.phases()).toEqual({ one: 'Running' });
		await cluster.stopApi();
		held.release();
		await cluster.startApi();
		await expect.poll(here.phases, inTime).toEqual({ one: 'Done' });
		const [done] = await here.cleanups();
		const goes = await here.goes();
		expect(here.deleted()).toEqual(goes.map((one) => pathOf(one)).toSorted());
		expect(await here.saved()).toHaveLength(1);
		const isGone = async () => (await here.present()).filter((one) => inWords(goes).includes(one));
		expect(await isGone()).toEqual([]);

		expect(await here.restore(done?.metadata.name ?? '')).toMatchObject({ code: 0, stderr: '' });
		const [deployment] = await cluster.list(`/apis/apps/v1/namespaces/${here.namespace}/deployments`);
		await cluster.call('PATCH', pathOf(deployment as Stored), { metadata: { annotations: { 'diagnostics.milvus.io/keep': 'true' } } });
		await here.crashesAgain('one');
		const states = async () => (await here.cleanups()).map(({ status }) => status?.phase).toSorted();
		await expect.poll(states, inTime).toEqual(['Done', 'Vetoed']);
		const settled = (one: string) => !/^(Pod|ReplicaSet|Secret) /.test(one);
		expect((await here.present()).filter(settled)).toEqual(before.filter(settled));
		expect(await here.saved()).toHaveLength(1);
	});
});
