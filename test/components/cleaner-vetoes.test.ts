import { describe, expect, test } from 'vitest';
import { mostAtOnce, stormIn } from '../../src/components/cleaner/storm.ts';
import type { Suspect } from '../../src/components/cleaner/suspects.ts';
import { howToVeto, targetOf } from '../../src/components/cleaner/target.ts';
import { type Scene, type Upgrade, vetoes, vetoesOf } from '../../src/components/cleaner/vetoes.ts';
import type { InstanceNow, OwnerNow, PodNow } from '../../src/domain/instance-now.ts';

const keep = { 'diagnostics.milvus.io/keep': 'true' };
const chart = { 'helm.sh/chart': 'milvus-5.0.19' };

const owner = (kind: string, change: Partial<OwnerNow> = {}): OwnerNow => ({
	apiVersion: kind === 'Milvus' ? 'milvus.io/v1beta1' : kind === 'MilvusCluster' ? 'milvus.io/v1alpha1' : 'apps/v1',
	...{ kind, name: `a-${kind.toLowerCase()}`, uid: `uid-${kind}`, labels: kind === 'Deployment' ? chart : {}, annotations: {} },
	...{ isEnding: false, madeAt: 1000, ...change },
});

const pod = (owners: readonly OwnerNow[], change: Partial<PodNow> = {}): PodNow => ({
	...{ name: 'a-pod', uid: 'uid-pod', component: 'standalone', annotations: {}, ends: 8, lastEnd: 1, isBackingOff: true },
	...{ owners, areOwnersKnown: true, ...change },
});

const helm = (changed: Partial<OwnerNow> = {}, change: Partial<PodNow> = {}): InstanceNow => ({
	instance: { namespace: 'ns', name: 'search', kind: 'helm' },
	pods: [pod([owner('ReplicaSet'), owner('Deployment', changed)], change)],
});
const operator = (changed: Partial<OwnerNow> = {}): InstanceNow => ({
	instance: { namespace: 'ns', name: 'vectors', kind: 'operator' },
	pods: [pod([owner('ReplicaSet'), owner('Deployment'), owner('Milvus', changed)])],
});

const scene = (now: InstanceNow, change: Partial<Scene> = {}): Scene => ({
	now,
	namespace: { annotations: {}, isEnding: false },
	upgrades: [],
	decided: targetOf(now),
	...change,
});

const upgrade = (state: string, change: Partial<Upgrade> = {}): Upgrade => ({
	...{ namespace: 'ns', name: 'up', of: { namespace: 'ns', name: 'vectors' }, state, ...change },
});

/** Id, who it is about, what it says; and what it says nothing against. */
const cases: readonly (readonly [id: string, scene: Scene, words: RegExp])[] = [
	['unmanaged', scene({ ...helm(), instance: { namespace: 'ns', name: 'search', kind: 'unmanaged' } }), /nothing to uninstall/],
	[
		'made anew',
		scene(helm(), { decided: { apiVersion: 'a', kind: 'Release', name: 'search', uid: 'other' } }),
		/Release search \(uid other\)/,
	],
	['being deleted', scene(operator({ isEnding: true })), /deleting Milvus a-milvus/],
	['being deleted', scene(helm(), { namespace: { annotations: {}, isEnding: true } }), /namespace ns/],
	['being deleted', scene(helm(), { namespace: undefined }), /namespace ns/],
	['kept', scene(helm({}, { annotations: keep })), /on Pod a-pod/],
	['kept', scene(helm({ annotations: keep })), /on Deployment a-deployment/],
	['kept', scene(operator({ annotations: { 'diagnostics.milvus.io/keep': 'yes' } })), /on Milvus a-milvus/],
	['kept', scene(helm(), { namespace: { annotations: keep, isEnding: false } }), /on Namespace ns/],
	[
		'kept',
		scene({ ...helm(), pods: [pod([owner('ReplicaSet', { annotations: keep }), owner('Deployment')])] }),
		/on ReplicaSet a-replicaset, where it stays when it is removed from the Deployment/,
	],
	['paused', scene(operator({ annotations: { 'milvus.io/pause-reconcile': 'true' } })), /pause-reconcile is set on Milvus/],
	[
		'being upgraded',
		scene(operator(), { upgrades: [upgrade('Succeeded'), upgrade('')] }),
		/MilvusUpgrade ns\/up is not finished \(not begun\)/,
	],
	['being upgraded', scene(operator(), { upgrades: [upgrade('Rollbacking', { namespace: 'elsewhere' })] }), /elsewhere\/up .*Rollbacking/],
	['of GitOps', scene(helm({ labels: { ...chart, 'helm.toolkit.fluxcd.io/name': 'a' } })), /Flux manages Deployment/],
	['of GitOps', scene(operator({ labels: { 'kustomize.toolkit.fluxcd.io/name': 'a' } })), /Flux manages Milvus/],
	['of GitOps', scene(operator({ labels: { 'argocd.argoproj.io/instance': 'a' } })), /Argo CD manages Milvus/],
	['of GitOps', scene(helm({ annotations: { 'argocd.argoproj.io/tracking-id': 'a:apps/Deployment:ns/a' } })), /Argo CD manages Deployment/],
	['owner unknown', scene(helm({}, { areOwnersKnown: false })), /what made Pod a-pod/],
	['other chart', scene(helm({ labels: { 'helm.sh/chart': 'milvus-operator-1.3.8' } })), /chart milvus/],
	['other chart', scene(helm({ labels: {} })), /chart milvus/],
];

describe('against removing an instance', () => {
	for (const [id, given, words] of cases)
		test(`speaks: ${id}: ${words.source}`, () => {
			expect(vetoes.filter((veto) => veto.speaks(given) !== undefined).map((veto) => veto.id)).toEqual([id]);
			expect(vetoesOf(given)[0]).toMatch(words);
		});

	test('each rule has a test', () => {
		expect(new Set(cases.map(([id]) => id))).toEqual(new Set(vetoes.map(({ id }) => id)));
	});

	test.each<[string, Scene]>([
		['a release of the chart', scene(helm())],
		['a custom resource', scene(operator())],
		['nothing that is decided yet', scene(helm(), { decided: undefined })],
		['an annotation that says no', scene(helm({ annotations: { 'diagnostics.milvus.io/keep': 'false' } }))],
		[
			'an upgrade that has ended, or of another instance',
			scene(operator(), { upgrades: [upgrade('RollbackFailed'), upgrade('x', { of: { namespace: 'other', name: 'vectors' } })] }),
		],
		['pods that are all gone', scene({ ...helm(), pods: [] }, { decided: targetOf(helm()) })],
	])('nothing speaks in %s', (_, given) => {
		expect(vetoesOf(given)).toEqual([]);
	});

	test('is said of many owners in a few words', () => {
		const pods = Array.from({ length: 10 }, (_, index) =>
			pod([owner('Deployment', { uid: `${index}`, name: `d-${index}`, annotations: keep })]),
		);
		expect(vetoesOf(scene({ ...helm(), pods }))).toEqual([
			'diagnostics.milvus.io/keep is set on Deployment d-0, Deployment d-1, Deployment d-2, 7 more',
		]);
	});
});

describe('a storm', () => {
	const now = 10_000_000;
	const hour = 3_600_000;
	const bad = { isOver: true, isCrashing: true };
	const suspect = (change: object = {}, ...open: readonly (readonly [phase: string, agoMs: number, ...vetoes: string[]])[]) =>
		({
			...bad,
			...change,
			open: new Map(open.map(([phase, ago, ...vetoes]) => [{ phase, since: now - ago }, vetoes])),
		}) as unknown as Suspect;
	const stormOf = (...suspects: readonly Suspect[]) => stormIn(suspects, hour, now);
	const three = [suspect(), suspect({}, ['Pending', 2 * hour]), suspect({}, ['DryRun', 1])];

	test('is when more instances than are few do nothing but crash at once', () => {
		expect(three).toHaveLength(mostAtOnce);
		expect(stormOf(...three)).toBeUndefined();
		expect(stormOf(...three, suspect({ isCrashing: false }), suspect({ isOver: false }))).toBeUndefined();
		expect(stormOf(...three, suspect())).toMatch(/^4 instances do nothing but crash at once/);
	});

	test('is over neither because it lasts, nor is it one because of those that have crashed for long', () => {
		expect(stormOf(...three, suspect({}, ['Vetoed', 5 * hour]))).toMatch(/^4 /);
		expect(stormOf(...three, suspect({}, ['Vetoed', 5 * hour, 'somebody keeps it']), suspect({}, ['DryRun', 2 * hour]))).toBeUndefined();
	});
});

describe('what would be removed', () => {
	test('of a Helm release is the release, known by its oldest workload', () => {
		const one = (name: string, madeAt: number) => pod([owner('ReplicaSet'), owner('Deployment', { name, uid: `uid-${name}`, madeAt })]);
		const pods = [one('proxy', 2000), one('mixcoord', 1000), one('querynode', 3000)];
		const target = targetOf({ ...helm(), pods });
		expect(target).toEqual({
			...{ apiVersion: 'helm.sh/v1', kind: 'Release', name: 'search', uid: 'uid-mixcoord' },
			workload: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mixcoord' },
		});
		expect(targetOf({ ...helm(), pods: pods.toReversed() })).toEqual(target);
		expect(target && howToVeto({ namespace: 'ns' }, target)).toBe(
			'kubectl -n ns annotate deployment mixcoord diagnostics.milvus.io/keep=true',
		);
	});

	test('of an instance of the operator is the custom resource, or the one that owns that', () => {
		const target = targetOf(operator());
		expect(target).toEqual({ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', name: 'a-milvus', uid: 'uid-Milvus' });
		expect(target && howToVeto({ namespace: 'ns' }, target)).toBe(
			'kubectl -n ns annotate milvus.v1beta1.milvus.io a-milvus diagnostics.milvus.io/keep=true',
		);
		const owned = pod([...(operator().pods[0]?.owners ?? []), owner('MilvusCluster')]);
		expect(targetOf({ ...operator(), pods: [owned] })).toMatchObject({ kind: 'MilvusCluster' });
	});

	test('is nothing where nothing is there', () => {
		expect(targetOf({ ...helm(), pods: [] })).toBeUndefined();
	});
});
