import { fieldOf, listOf, textOf } from './untyped.ts';

/** What of a workload has to do with PersistentVolumeClaims. */
export type Claims = {
	/** Of a StatefulSet: each of its pods has claims of its own, called `TEMPLATE-SET-NUMBER`. */
	readonly templates: readonly string[];
	/** Whether those of the templates are deleted with the StatefulSet. */
	readonly areDeletedWithIt: boolean;
	/** Those that its pods name. */
	readonly named: readonly string[];
};

/** @returns undefined for what has none */
export function claimsOf(object: unknown): Claims | undefined {
	const spec = fieldOf(object, 'spec');
	const templates = listOf(spec, 'volumeClaimTemplates').map((one) => textOf(one, 'metadata', 'name'));
	const named = listOf(spec, 'template', 'spec', 'volumes').map((one) => textOf(one, 'persistentVolumeClaim', 'claimName'));
	const claims = {
		templates: templates.filter((name) => name !== undefined),
		areDeletedWithIt: textOf(spec, 'persistentVolumeClaimRetentionPolicy', 'whenDeleted') === 'Delete',
		named: named.filter((name) => name !== undefined),
	};
	return claims.templates.length + claims.named.length > 0 ? claims : undefined;
}
