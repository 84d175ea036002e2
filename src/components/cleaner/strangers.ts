import type { InstanceNow } from '../../domain/instance-now.ts';
import type { InstanceContents } from './contents/contents.ts';
import { about, type Named } from './named.ts';

/**
 * What crashes and would stay when the release is uninstalled, in words: a copy of a workload, made by hand to look into its crashes, has all the labels of
 * the instance. What a release does not consist of is no reason to uninstall it.
 */
export function strangersIn({ contents, release }: InstanceContents, { pods }: InstanceNow): string | undefined {
	if (!release || contents.is === 'unknown') return undefined;
	const { goes } = contents;
	const isPart = (one: Made) =>
		goes.some((object) => object.kind === one.kind && object.name === one.name && groupOf(object) === groupOf(one));
	const strangers = pods
		.filter(({ ends }) => ends > 0)
		.map(({ name, owners }): readonly [Made, ...Made[]] => [{ apiVersion: 'v1', kind: 'Pod', name }, ...owners])
		.filter((makers) => !makers.some(isPart))
		.map((makers) => makers.at(-1) ?? makers[0]);
	const each = [...new Map(strangers.map((one) => [`${one.kind}/${one.name}`, one])).values()];
	return about(each, (who) => `${who} crashes, and would not go with release ${release.name}`);
}

type Made = Named & { readonly apiVersion: string };

const groupOf = ({ apiVersion }: { readonly apiVersion: string }) => apiVersion.split('/').at(-2) ?? '';
