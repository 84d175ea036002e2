import { fold } from '../../src/domain/fold.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { events } from './events.ts';

type Association = { readonly [K in keyof CrashReport['association']]?: CrashReport['association'][K] | undefined };

/** A crash of a query node in a pod, with its core stored, and what differs from that. */
export function podReport({ association, ...change }: Partial<Omit<CrashReport, 'association'>> & { association?: Association } = {}) {
	const { found, analysed, stored } = events(change.id);
	const report = [found, analysed, stored].reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
	const place = {
		method: 'cgroup',
		confidence: 'exact',
		host: 'my-release-querynode-0',
		node: 'node-1',
		namespace: 'milvus',
		pod: 'my-release-querynode-0',
		podUid: '0d2b4a2e-5d1e-4a53-8f5c-1d1f6f5f0a11',
		container: 'querynode',
		containerId: 'ab'.repeat(32),
		image: 'milvusdb/milvus:v2.6.15',
		instance: 'my-release',
		instanceKind: 'helm',
		component: 'querynode',
		restartCount: 3,
		exitCode: 139,
		reason: 'Error',
	} as const;
	const known = Object.entries({ ...place, ...association }).filter(([, value]) => value !== undefined);
	return { ...report, ...change, association: Object.fromEntries(known) } as CrashReport;
}

/** The end of a container, and what is special about it. */
export const ended = (change: Partial<NonNullable<CrashReport['restart']>>): NonNullable<CrashReport['restart']> => ({
	startedAt: '2026-11-23T06:20:00.000Z',
	finishedAt: '2026-11-23T06:25:58.000Z',
	isPanic: false,
	isStartUp: false,
	isHealed: false,
	missed: 0,
	...change,
});
