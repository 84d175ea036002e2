import type { InstanceContents } from './contents/contents.ts';
import { about } from './named.ts';

export type RecordOptions = {
	/** `cleaner.allowVolumeLoss` */
	readonly allowVolumeLoss: boolean;
	/** Whether it is removed when nothing speaks against it; else that is only said. */
	readonly isEnforced: boolean;
	/** This program has begun to remove it before, so that a removal that is under way is its own. */
	readonly hasBegun?: boolean;
};

/** Why an instance is not removed, by what keeps it: the record of its release, or its custom resource. */
export type RecordVeto = {
	readonly id: string;
	/** @returns in words, with what it is about; undefined: it says nothing against it */
	speaks(found: InstanceContents, options: RecordOptions): string | undefined;
};

export const recordRules: readonly RecordVeto[] = [
	{
		id: 'Helm is at work',
		// Helm itself would uninstall it all the same.
		speaks: ({ release }) =>
			release?.status.startsWith('pending-')
				? `release ${release.name} is ${release.status}: somebody operates on it, or was interrupted and has to finish or roll back`
				: undefined,
	},
	{
		id: 'uninstalled by others',
		speaks: ({ release }, { hasBegun = false }) =>
			release && !hasBegun && ['uninstalling', 'uninstalled'].includes(release.status)
				? `release ${release.name} is ${release.status}: somebody else removes it`
				: undefined,
	},
	{
		id: 'deleted by others',
		speaks({ resource }, { hasBegun = false }) {
			if (hasBegun) return undefined;
			const own = [resource, resource?.milvus].filter((one) => one !== undefined);
			return about(
				own.filter(({ isEnding }) => isEnding),
				(who) => `somebody else is deleting ${who}`,
			);
		},
	},
	{
		id: 'of another chart',
		// What the operator runs Milvus on are releases too, and an instance may be a part of a larger one.
		speaks: ({ release }) =>
			release && release.chart.name !== 'milvus'
				? `release ${release.name} is of the chart ${release.chart.name || 'without a name'}, and not of milvus`
				: undefined,
	},
	{
		id: 'hooks',
		// They may do anything, and nobody has the right to make them.
		speaks: ({ release }) =>
			release && release.deleteHooks.length > 0
				? `release ${release.name} has hooks that would run when it is uninstalled: ${release.deleteHooks.slice(0, 3).join(', ')}`
				: undefined,
	},
	{
		id: 'of the whole cluster',
		speaks: ({ contents }) =>
			about(contents.is === 'known' ? contents.goes.filter(({ namespace }) => namespace === undefined) : [], (who) => {
				return `${who} would go with it, and is of the whole cluster`;
			}),
	},
	{
		id: 'volumes are lost',
		speaks({ contents }, { allowVolumeLoss }) {
			if (contents.is === 'unknown' || allowVolumeLoss) return undefined;
			const lost = contents.volumes.filter(({ isLost }) => isLost);
			return about(
				lost.map(({ namespace, name }) => ({ kind: 'PersistentVolumeClaim', name: `${namespace}/${name}` })),
				(who) => `the data of ${who} would be lost, which cleaner.allowVolumeLoss does not allow`,
			);
		},
	},
	{
		id: 'contents unknown',
		// Of what is gone there is nothing to know, nor to remove.
		speaks: ({ contents, isGone = false }, { isEnforced }) =>
			contents.is === 'unknown' && isEnforced && !isGone ? contents.reason : undefined,
	},
];

/** All that speaks against removing it, in words. */
export const recordVetoes = (found: InstanceContents, options: RecordOptions): string[] =>
	recordRules.flatMap((rule) => rule.speaks(found, options) ?? []);
