import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { mostAtOnce } from '../../src/components/cleaner/storm.ts';
import { type Phase, phases } from '../../src/domain/cleanup-object/cleanup-object.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { root } from '../support/crash.ts';
import { describePromtool, type Expected, promtool, prove } from '../support/promtool/promtool.ts';

const file = join(root, 'charts/milvus-coredump-agent/files/alerts.yaml');
const alerts: readonly Alert[] = parse(readFileSync(file, 'utf8')).groups.flatMap(({ rules }: { rules: readonly Alert[] }) => rules);

type Alert = {
	readonly alert: string;
	readonly expr: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly summary: string; readonly description: string };
};

describe('the alerts', () => {
	test('ask for metrics that there are, and for phases and components that they have', async () => {
		const { metrics } = createTelemetry(pino({ level: 'silent' }), 'both');
		const told = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name);
		const asked = alerts.flatMap(({ expr }) => expr.match(/milvus_coredump_agent_\w+/g) ?? []);
		expect(told).toEqual(expect.arrayContaining(asked));
		const values = (label: string) =>
			alerts.flatMap(({ expr }) =>
				[...expr.matchAll(new RegExp(`${label}!?=~?"([^"]*)"`, 'g'))].flatMap(([, value = '']) => value.split('|')),
			);
		expect(phases).toEqual(expect.arrayContaining([...new Set(values('phase'))]));
		const components = (await metrics.componentReady.get()).values.map(({ labels }) => labels.component);
		expect(components).toEqual(expect.arrayContaining([...new Set(values('component'))]));
	});

	test('tell of each phase, but of that which is the end of it', () => {
		const told = alerts.map(({ alert }) => alert);
		for (const phase of phases) expect(told.includes(`MilvusCleanup${phase}`)).toBe(phase !== 'Recovered');
	});

	test('say in one line what is, and how to see more by kubectl', () => {
		for (const { alert, labels, annotations } of alerts) {
			expect(annotations.summary.length, alert).toBeLessThan(90);
			expect(annotations.description, alert).toMatch(/kubectl .*(get|logs)/);
			expect(['info', 'warning', 'critical'], alert).toContain(labels.severity);
		}
	});

	test('tell of a storm where the cleaner sees one', () => {
		expect(alerts.find(({ alert }) => alert === 'MilvusCleanupStorm')?.expr.trim()).toMatch(new RegExp(`> ${mostAtOnce}$`));
	});
});

describePromtool('the alerts, to Prometheus', () => {
	const proven = (series: Readonly<Record<string, string>>, ...expected: Expected[]) => prove(file, series, expected);
	const none: readonly string[] = [];

	test('are right', async () => {
		expect(await promtool('check', 'rules', file)).toContain(`SUCCESS: ${alerts.length} rules found`);
	});

	test('do not fire where all is well, nor where everything is only just starting', async () => {
		const ready = {
			...led('a', '1x80'),
			...led('b', '0x80'),
			...component('a', 'cleaner', '0 1x80'),
			...component('b', 'cleaner', '0 1x80'),
		};
		await proven({ ...ready, ...cleanups('a', { Recovered: '1x80', Done: '2x80' }) }, ...[1, 5, 20, 40].map(at(none)));
	});

	test('tell at once of an instance that has to recover, and no longer when it has', async () => {
		await proven(
			cleanups('a', { Pending: '0x10 1x10 0x40', Recovered: '0x20 1x40' }),
			...[
				{ minute: 5, fires: none },
				{ minute: 6, fires: ['MilvusCleanupPending'] },
				{ minute: 14, fires: none },
			],
			{
				minute: 6,
				alert: 'MilvusCleanupPending',
				labels: { severity: 'warning', namespace: 'agents' },
				annotations: {
					summary: 'Milvus does nothing but crash, and its time to recover is running',
					description:
						'Instances of Milvus that have crashed too often: 1. One that has not recovered at its due time is removed where cleaner.mode is enforce and its namespace is in cleaner.namespaces; elsewhere it is only named. See which, when and why: kubectl get instancecleanups -A, then kubectl -n NAMESPACE describe cleanup NAME, which has the command that keeps the instance.',
				},
			},
		);
	});

	test('tell of one that stays named, or kept, only when it stays so', async () => {
		await proven(cleanups('a', { DryRun: '0x10 1x20 0x60' }), ...[10, 19, 30].map(at(none)));
		await proven(cleanups('a', { DryRun: '0x10 1x100' }), ...[19].map(at(none)), ...[21, 50].map(at(['MilvusCleanupDryRun'])));
		await proven(cleanups('a', { Vetoed: '0x10 2x200' }), ...[20, 64].map(at(none)), ...[66, 100].map(at(['MilvusCleanupVetoed'])));
	});

	test('tell of a removal while it runs, and that it is done for a quarter of an hour', async () => {
		await proven(
			cleanups('a', { Running: '0x10 1x10 0x100', Done: '3x20 4x100', Pending: '1x2 0x100' }),
			...[
				{ minute: 9, fires: ['MilvusCleanupRunning'] },
				{ minute: 14, fires: ['MilvusCleanupDone'] },
				{ minute: 28, fires: none },
			],
		);
	});

	test('tell without a break of a removal that failed, also while it is tried again', async () => {
		const tries = { Failed: '0x10 1x10 0x4 1x10 0x20 1x200', Running: '0x20 1x4 0x10 1x20 0x200' };
		const fires = (minute: number) => minute >= 6;
		const minutes = [5, 6, 8, 11, 12, 20, 25, 30, 60];
		const alone = cleanups('a', { Failed: tries.Failed });
		await proven(alone, ...minutes.map((minute) => at(fires(minute) ? ['MilvusCleanupFailed'] : none)(minute)));
		await proven(cleanups('a', tries), at(['MilvusCleanupFailed', 'MilvusCleanupRunning'])(11));
	});

	test('tell of a storm when many begin to crash at once, in whatever phases they are', async () => {
		const storm = { Pending: '0x10 4 0x100', Vetoed: '0x11 4x100' };
		await proven(cleanups('a', storm), at(none)(5), at(['MilvusCleanupPending', 'MilvusCleanupStorm'])(6), at(['MilvusCleanupStorm'])(20));
		const few = { Pending: '0x10 3 0x100', Vetoed: '0x11 3x100' };
		await proven(cleanups('a', few), at(none)(5), at(['MilvusCleanupPending'])(6), at(none)(20));
	});

	test('take those that have been kept for long for no storm, however many they are', async () => {
		const kept = { Vetoed: '6x300', DryRun: '5x20 4x300', Pending: '0x20 1x10 0x300' };
		await proven(cleanups('a', kept), ...[1, 14].map((minute) => at(minute === 14 ? ['MilvusCleanupPending'] : none)(minute)), {
			minute: 100,
			fires: ['MilvusCleanupDryRun', 'MilvusCleanupVetoed'],
		});
	});

	test('do not fire, nor end, because another agent leads', async () => {
		// The first stops at 20 minutes, and the second leads half a minute later.
		const first = cleanups('a', { Vetoed: '2x40 stale', Done: '3x40 stale', Failed: '0x40 stale', Pending: '0x40 stale' });
		const second = cleanups('b', { Vetoed: '_x42 2x200', Done: '_x42 3x200', Failed: '_x42 0x200', Pending: '_x42 0x200' });
		const leads = { ...led('a', '1x40 stale'), ...led('b', '0x41 1x200') };
		await proven(
			{ ...first, ...second, ...leads },
			...[19, 20, 20.5, 21, 22, 30, 59].map(at(none)),
			...[61, 90].map(at(['MilvusCleanupVetoed'])),
		);
	});

	test('count an instance once where for a moment two agents lead, and do not agree', async () => {
		const first = cleanups('a', { Pending: '0x5 3x30', Vetoed: '0x35' });
		const second = cleanups('b', { Pending: '_x10 3 0x30', Vetoed: '_x10 0 3x30' });
		const query = alerts.find(({ alert }) => alert === 'MilvusCleanupPending')?.expr ?? '';
		await proven(
			{ ...first, ...second },
			...[4, 6, 10].map(at(['MilvusCleanupPending'])),
			...[5, 6, 10].map((minute) => ({ minute, query, labels: '{namespace="agents"}', value: 3 })),
		);
	});

	test('tell of a leader whose cleaner is not ready, and of no other agent', async () => {
		const others = { ...led('b', '0x100'), ...component('b', 'cleaner', '0x100') };
		await proven({ ...led('a', '1x100'), ...component('a', 'cleaner', '1x100'), ...others }, ...[5, 40].map(at(none)));
		await proven(
			{ ...led('a', '1x100'), ...component('a', 'cleaner', '1x20 0x40 1x100'), ...others },
			...[24].map(at(none)),
			at(['MilvusCleanerNotReady'])(26),
			at(none)(32),
		);
	});

	test('tell when for five minutes nobody leads, not where the lead changes', async () => {
		await proven({ ...led('a', '1x20 0x4 1x60'), ...led('b', '0x80') }, ...[11, 12, 20, 40].map(at(none)));
		await proven(
			{ ...led('a', '1x20 stale'), ...led('b', '0x80') },
			...[11, 15].map(at(none)),
			at(['MilvusCoredumpAgentWithoutLeader'])(16),
		);
	});

	test('tell of a component that is not ready for long, in how many pods, and of none that is just starting', async () => {
		const rollout = Object.assign({}, ...[0, 1, 2, 3].map((n) => component(`new-${n}`, 'storage', `_x${n * 20} 0x10 1x200`)));
		await proven(rollout, ...[2, 12, 22, 32, 40].map(at(none)));
		const broken = {
			...component('a', 'storage', '1x20 0x100'),
			...component('b', 'storage', '0x120'),
			...component('c', 'storage', '1x120'),
		};
		await proven(broken, ...[10].map(at(none)), at(['MilvusCoredumpAgentNotReady'])(40), {
			minute: 40,
			alert: 'MilvusCoredumpAgentNotReady',
			labels: { severity: 'warning', namespace: 'agents', component: 'storage' },
			annotations: {
				summary: 'A part of the agent for core dumps does not work: storage',
				description:
					"storage has not been ready for 15 minutes, in so many pods: 2. Crashes may be missed, not reported or not stored. See which pods are not ready: kubectl -n agents get pods -l app=milvus-coredump-agent -o wide; the log of each says why: kubectl -n agents logs POD | grep 'not ready'.",
			},
		});
	});

	test('tell when a configuration is refused', async () => {
		await proven(
			series('config_last_reload_successful', 'a', '1x10 0x100'),
			...[5, 9].map(at(none)),
			...[11].map(at(['MilvusCoredumpAgentConfigRefused'])),
		);
	});
});

const at =
	(fires: readonly string[]) =>
	(minute: number): Expected => ({ minute, fires });

/** What a pod tells, with the labels that a PodMonitor adds. */
function series(metric: string, pod: string, values: string, labels: Readonly<Record<string, string>> = {}): Record<string, string> {
	const all = Object.entries({ namespace: 'agents', pod, node: `node-of-${pod}`, instance: `${pod}:8080`, ...labels });
	return { [`milvus_coredump_agent_${metric}{${all.map(([name, value]) => `${name}="${value}"`).join(', ')}}`]: values };
}

const cleanups = (pod: string, all: Partial<Record<Phase, string>>): Record<string, string> =>
	Object.assign({}, ...Object.entries(all).map(([phase, values]) => series('instance_cleanups', pod, values, { phase })));
const led = (pod: string, values: string) => series('leader', pod, values);
const component = (pod: string, name: string, values: string) => series('component_ready', pod, values, { component: name });
