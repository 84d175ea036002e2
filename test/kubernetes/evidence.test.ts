import { expect, test } from 'vitest';
import { evidenceOf } from '../../src/components/cleaner/evidence.ts';
import { reportTable } from '../../src/components/monitor/monitor.ts';
import type { Event } from '../../src/domain/events.ts';
import { connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { crashReports } from '../support/crash-reports.ts';
import { events } from '../support/events.ts';
import { emptyJournal } from '../support/journal.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { ended } from '../support/pod-report.ts';
import { placeIn, publishing } from '../support/publishing.ts';

const soon = { timeout: 20_000 };

/** What the leader knows of the crashes of the cluster, until the end of the block. */
async function following(kubeconfig: string) {
	const cluster = await connect({ kubeconfig, environment: {} });
	const table = reportTable();
	const stop = new AbortController();
	const running = table.follow(cluster, () => {}, stop.signal);
	running.catch(() => {}); // told at the end
	return {
		crashes: () => [...table.all()].flatMap(({ crash }) => crash ?? []),
		async [Symbol.asyncDispose]() {
			stop.abort();
			await running;
			cluster[Symbol.dispose]();
		},
	};
}

describeKubernetes('the evidence of a crash', () => {
	const own = ownControlPlane();

	test('is waited for by who leads until the agent of its node has stored the core, or says that there is none; anew when one comes late', async () => {
		const { kubeconfig } = own.cluster;
		await using here = await crashReports(own.cluster);
		await using opened = await emptyJournal(undefined, { now: Date.now });
		const { journal } = opened;
		await using _ = await publishing(kubeconfig, journal, { node: unique('node'), namespace: 'default', foldedIntervalMs: 0 });
		await using leader = await following(kubeconfig);
		const { core, found, analysed, stored } = events();
		const body = {
			...found.body,
			time: new Date(Date.now() - 60_000).toISOString(),
			association: { ...placeIn(here.namespace), method: 'cgroup', confidence: 'exact', instanceKind: 'helm', exitCode: 139 } as const,
			restart: ended({}),
		};
		const analysis = { ...analysed.body.analysis, association: body.association };
		const append = (...given: readonly Event[]) => journal.append(...given);
		const waits = () => {
			const [now, crashes] = [Date.now(), leader.crashes()];
			if (crashes.length === 0) return 'no crash';
			return evidenceOf(crashes, { since: now - 3600_000, until: now }, now, { waitMs: 600_000 }).waits !== undefined;
		};

		append({ ...found, body: { ...body, core: null } }, { ...analysed, body: { core: null, analysis } });
		await expect.poll(waits, soon).toBe(true);
		append({ ...stored, body: { is: 'skipped', reason: 'the crash left no core' } });
		await expect.poll(waits, soon).toBe(false);
		append({ ...found, revision: 2, body: { ...body, core } });
		await expect.poll(waits, soon).toBe(true);
		append({ ...analysed, revision: 2, body: { core, analysis } }, { ...stored, revision: 2 });
		await expect.poll(waits, soon).toBe(false);
		expect(leader.crashes()).toMatchObject([{ core: 'settled' }]);
	});
});
