import { describe, expect, test } from 'vitest';
import type { InstanceContents } from '../../src/components/cleaner/contents/contents.ts';
import type { Left } from '../../src/components/cleaner/decide-removal.ts';
import { remove } from '../../src/components/cleaner/removal.ts';
import type { SavedAt, Status } from '../../src/domain/cleanup-object/cleanup-object.ts';
import type { Instance } from '../../src/domain/pod.ts';
import type { Cluster } from '../../src/drivers/kubernetes/kubernetes.ts';
import { storedCleanup } from '../support/stored-cleanup.ts';
import { listening } from '../support/telemetry.ts';

const { signal } = new AbortController();
const options = {
	...{ delayMs: 0, keepMs: 1e9, timeoutMs: 60_000, watchMs: 0, keepRemovedMs: 1e9, graceMs: 0 },
	...{ maxRestartCount: 5, windowMs: 3600_000 },
};
const findings = {
	count: { total: 9, reports: [], byComponent: new Map(), last: undefined, left: [] },
	support: { total: 9, last: undefined, isBackingOff: true },
	contents: { is: 'unknown', reason: 'a test' } as const,
	enforcement: 'a test',
};
const bad = { isOver: true, isCrashing: true, isGone: false, vetoes: [], isEnforced: true, waits: [] };

/** What becomes of a removal, as far as it is written down, and what was touched. */
async function removal(
	kind: Instance['kind'],
	left: Left,
	{ found, saved }: { readonly found?: InstanceContents; readonly saved?: SavedAt },
) {
	const phase = left.is === 'all' ? 'Pending' : 'Running';
	const base = storedCleanup({ phase, dueAt: 0, since: 0 }, 'uid');
	const at = new Date(0).toISOString();
	const status: Status = {
		...{ phase, reason: 'a test', since: at, lookedAt: at, enforcement: 'a test', howToVeto: 'not', transitions: [] },
		restarts: { counted: 9, shown: 9, reports: [], notCounted: [] },
		contents: findings.contents,
		...(saved && { saved }),
	};
	const spec = { ...base.spec, kind };
	const stored = { ...base, instance: { ...base.instance, kind }, spec, status };
	const { namespace, name, uid, resourceVersion } = stored;
	let written: Record<string, unknown> = { ...status };
	const touched: string[] = [];
	const cluster = {
		async patch(_: string, body: { readonly status: object }) {
			written = { ...written, ...body.status };
			return { is: 'done', object: { metadata: { namespace, name, uid, resourceVersion }, spec, status: written } };
		},
		create: async () => ({ is: 'done' }),
		async remove(path: string) {
			touched.push(path);
			return { is: 'done' };
		},
	} as unknown as Cluster;
	const uninstall = async ({ release }: { readonly release: string }) => {
		touched.push(release);
		return { is: 'done', words: 'uninstalled' } as const;
	};
	const { telemetry } = listening();
	const again = async () => ({ sight: { ...bad, left }, findings, ...(found && { found }) });
	const about = { instance: stored.instance, stored, about: spec.target, by: 'a test', options, cluster, findings, telemetry };
	await remove('a test', { ...about, again, helm: { uninstall }, into: 'agents' }, signal);
	return { touched, phase: written.phase, reason: written.reason };
}

const half: Left = { is: 'half', what: 'release search is uninstalling' };

describe('a removal', () => {
	test('of what is half gone is gone on with only where it was saved before', async () => {
		const saved = { namespace: 'agents', name: 'saved-search', at: new Date(0).toISOString() };
		expect(await removal('helm', half, { saved })).toMatchObject({ touched: ['search'], phase: 'Running' });
		expect(await removal('helm', half, {})).toEqual({
			...{ touched: [], phase: 'Failed' },
			reason: 'somebody else has begun to remove it: nothing was saved from here',
		});
	});

	test('is not begun where what would be saved is not what would be deleted', async () => {
		const resource = {
			...{ apiVersion: 'milvus.io/v1alpha1', kind: 'MilvusCluster', namespace: 'ns', name: 'search', uid: 'another' },
			...{ resourceVersion: '1', labels: {}, annotations: {}, isEnding: false },
		};
		const found: InstanceContents = { contents: { is: 'known', goes: [], stays: [], volumes: [] }, resource };
		expect(await removal('operator', { is: 'all' }, { found })).toEqual({
			...{ touched: [], phase: 'Failed' },
			reason: 'Release search (uid uid) is not what would be removed now',
		});
	});
});
