import type { ObjectName } from '../../../domain/contents.ts';
import type { ObjectMeta } from '../../../drivers/kubernetes/kubernetes.ts';
import type { Hook } from '../../../readers/helmrelease/helmrelease.ts';
import type { Found } from './presence.ts';

/** What becomes of objects. */
export type Fates = { readonly goes: readonly ObjectName[]; readonly stays: readonly Staying[] };

export type Staying = ObjectName & { readonly why: string };

export type Parts = {
	readonly release: { readonly name: string; readonly namespace: string };
	readonly objects: readonly Found[];
	readonly hooks: readonly { readonly hook: Hook; readonly found: Found }[];
};

export type Uninstaller = {
	/** Helm 4 leaves alone what is there and marked as somebody else's; Helm 3, which the operator has inside, deletes it. */
	readonly looksForOwner: boolean;
	readonly runsHooks: boolean;
};

/**
 * What becomes of the parts of a release when it is uninstalled: Helm's pkg/action/uninstall.go, resource_policy.go, validate.go, hooks.go.
 * What can't be seen is taken to be as the record has it.
 */
export function fatesOf({ release, objects, hooks }: Parts, { looksForOwner, runsHooks }: Uninstaller): Fates {
	const goes: ObjectName[] = [];
	const stays: Staying[] = [];
	for (const { object, made, now } of objects) {
		if (now === 'absent') continue;
		if (made.resourcePolicy) stays.push({ ...object, why: policies[made.resourcePolicy] });
		else if (looksForOwner && now !== 'hidden' && !isOwned(now, release))
			stays.push({ ...object, why: `is not marked as of release ${release.name}, so that Helm leaves it alone` });
		else goes.push(object);
	}
	for (const { hook, found } of hooks) {
		const runs = runsHooks && hook.events.some((event) => event === 'pre-delete' || event === 'post-delete');
		const isThere = found.now !== 'absent' && found.now !== 'hidden';
		const why = `made by a hook (${hook.events.join(', ')}), which is no part of the release`;
		if (runs && hook.deletePolicies.includes('hook-succeeded')) {
			if (isThere) goes.push(found.object);
		} else if (runs || isThere) stays.push({ ...found.object, why });
	}
	return { goes, stays };
}

const policies = {
	keep: 'annotation helm.sh/resource-policy: keep',
	other: 'has a helm.sh/resource-policy that Helm does not know, and so leaves alone',
};

const owner = { label: 'app.kubernetes.io/managed-by', name: 'meta.helm.sh/release-name', namespace: 'meta.helm.sh/release-namespace' };

function isOwned({ labels = {}, annotations = {} }: ObjectMeta, { name, namespace }: Parts['release']): boolean {
	return labels[owner.label] === 'Helm' && annotations[owner.name] === name && annotations[owner.namespace] === namespace;
}
