import type { Target } from '../../domain/cleanup-object/cleanup-object.ts';
import type { InstanceNow, OwnerNow } from '../../domain/instance-now.ts';
import { about, nameOf } from './named.ts';
import { isThere } from './target.ts';

/** What speaks against a removal is looked for in here: as it is at that moment. */
export type Scene = {
	readonly now: InstanceNow;
	/** Undefined where it is gone. */
	readonly namespace: Namespace | undefined;
	/** MilvusUpgrades of the cluster. */
	readonly upgrades: readonly Upgrade[];
	/** Undefined where nothing is decided yet. */
	readonly decided: Target | undefined;
};

export type Namespace = { readonly annotations: Readonly<Record<string, string>>; readonly isEnding: boolean };

export type Upgrade = {
	readonly namespace: string;
	readonly name: string;
	/** The custom resource that it upgrades. */
	readonly of: { readonly namespace: string; readonly name: string };
	/** Empty: it has not begun. */
	readonly state: string;
};

/** Why an instance is not removed although it does nothing but crash. */
export type Veto = {
	readonly id: string;
	/** It holds up also what is removed half-way. */
	readonly isStanding?: true;
	/** @returns in words, with what it is about; undefined: it says nothing against it */
	speaks(scene: Scene): string | undefined;
};

const keep = 'diagnostics.milvus.io/keep';
const paused = 'milvus.io/pause-reconcile';
/** `MilvusUpgrade.status.state`, in the operator's own spelling. */
const endedUpgrades = new Set(['Succeeded', 'RollbackedSucceeded', 'RollbackFailed', 'BakupMetaFailed', 'UpdateMetaFailed']);
const gitOps = [
	{ by: 'Flux', isKey: (key: string) => /^(helm|kustomize)\.toolkit\.fluxcd\.io\//.test(key) },
	{ by: 'Argo CD', isKey: (key: string) => key.startsWith('argocd.argoproj.io/') },
];

export const vetoes: readonly Veto[] = [
	{
		id: 'unmanaged',
		speaks: ({ now }) =>
			now.instance.kind === 'unmanaged' ? 'neither Helm nor the operator made it: there is nothing to uninstall' : undefined,
	},
	{
		id: 'made anew',
		speaks: ({ decided, now }) =>
			decided && now.pods.length > 0 && !isThere(decided, now)
				? `${nameOf(decided)} (uid ${decided.uid}) is not there any more`
				: undefined,
	},
	{
		id: 'being deleted',
		speaks({ now, namespace }) {
			if (!namespace || namespace.isEnding) return `its namespace ${now.instance.namespace} is being deleted`;
			return about(
				owners(now).filter(({ isEnding }) => isEnding),
				(who) => `somebody is deleting ${who}`,
			);
		},
	},
	{
		id: 'kept',
		isStanding: true,
		speaks({ now, namespace }) {
			const all = [
				...now.pods.map(({ name, annotations }) => ({ kind: 'Pod', name, annotations })),
				...owners(now),
				...(namespace ? [{ kind: 'Namespace', name: now.instance.namespace, annotations: namespace.annotations }] : []),
			];
			const set = all.filter(({ annotations }) => isSet(annotations, keep));
			// A Deployment copies its annotations there, and never takes one away again. Who set it by hand means it.
			const isCopy = set.every(({ kind }) => kind === 'ReplicaSet');
			return about(set, (who) => `${keep} is set on ${who}${isCopy ? ', where it stays when it is removed from the Deployment' : ''}`);
		},
	},
	{
		id: 'paused',
		speaks: ({ now }) =>
			about(
				owners(now).filter(({ annotations }) => isSet(annotations, paused)),
				(who) => `${paused} is set on ${who}`,
			),
	},
	{
		id: 'being upgraded',
		speaks({ now: { instance }, upgrades }) {
			if (instance.kind !== 'operator') return undefined;
			const own = upgrades.filter(({ of }) => of.namespace === instance.namespace && of.name === instance.name);
			const running = own.find(({ state }) => !endedUpgrades.has(state));
			return running && `MilvusUpgrade ${running.namespace}/${running.name} is not finished (${running.state || 'not begun'})`;
		},
	},
	{
		id: 'of GitOps',
		speaks({ now }) {
			for (const { by, isKey } of gitOps) {
				const owned = owners(now).filter(({ labels, annotations }) => [labels, annotations].some((keys) => Object.keys(keys).some(isKey)));
				const words = about(owned, (who) => `${by} manages ${who}, and would bring it back`);
				if (words !== undefined) return words;
			}
			return undefined;
		},
	},
	{
		id: 'owner unknown',
		speaks: ({ now }) =>
			about(
				now.pods.filter(({ areOwnersKnown }) => !areOwnersKnown).map(({ name }) => ({ kind: 'Pod', name })),
				(who) => `what made ${who} is not there any more`,
			),
	},
	{
		id: 'other chart',
		// What the operator runs Milvus on are releases too, and an instance may be a part of a larger one.
		speaks({ now }) {
			if (now.instance.kind !== 'helm' || now.pods.length === 0) return undefined;
			const isOfChart = ({ labels }: OwnerNow) => /^milvus-\d/.test(labels['helm.sh/chart'] ?? '');
			return owners(now).some(isOfChart) ? undefined : 'its release is not known to be of the chart milvus (label helm.sh/chart)';
		},
	},
];

/** All that speaks against it, in words. */
export const vetoesOf = (scene: Scene): string[] => vetoes.flatMap((veto) => veto.speaks(scene) ?? []);
/** What speaks against going on where a removal was begun. */
export const standingVetoesOf = (scene: Scene): string[] => vetoes.flatMap((veto) => (veto.isStanding ? (veto.speaks(scene) ?? []) : []));

/** Each once, though several pods have it. */
const owners = ({ pods }: InstanceNow): readonly OwnerNow[] => [
	...new Map(pods.flatMap((pod) => pod.owners).map((owner) => [owner.uid, owner])).values(),
];

/** Whoever writes anything but no means yes. */
const isSet = (annotations: Readonly<Record<string, string>>, key: string) =>
	annotations[key] !== undefined && annotations[key] !== 'false';
