/** What all objects of the API have in common, as far as this program looks at it. Items of a list come without `apiVersion` and `kind`. */
export type KubernetesObject = {
	readonly apiVersion?: string;
	readonly kind?: string;
	readonly metadata: ObjectMeta;
};

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ */
export type ObjectMeta = {
	readonly name: string;
	/** Absent of what belongs to the whole cluster. */
	readonly namespace?: string;
	readonly uid: string;
	readonly resourceVersion: string;
	readonly generation?: number;
	/** RFC 3339. */
	readonly creationTimestamp?: string;
	readonly deletionTimestamp?: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly annotations?: Readonly<Record<string, string>>;
	readonly ownerReferences?: readonly OwnerReference[];
};

export type OwnerReference = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly name: string;
	readonly uid: string;
	readonly controller?: boolean;
};

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/ */
export type Secret = KubernetesObject & {
	readonly type?: string;
	/** In base64. */
	readonly data?: Readonly<Record<string, string>>;
};

/** What the API server answers instead of an object: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export type Status = {
	readonly code?: number;
	readonly reason?: string;
	readonly message?: string;
	readonly details?: {
		readonly name?: string;
		readonly kind?: string;
		readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
	};
	readonly metadata?: { readonly continue?: string };
};

/**
 * The path of a collection, or of one object in it: `resource('apps/v1', 'deployments', 'default', 'web')`.
 *
 * @param group API group with its version; of the core group the version alone: `v1`
 * @param namespace undefined: all of them, or none where the resource has none
 */
export function resource(group: string, plural: string, namespace?: string, name?: string): string {
	const parts = [
		...(group.includes('/') ? ['apis', ...group.split('/')] : ['api', group]),
		...(namespace === undefined ? [] : ['namespaces', namespace]),
		plural,
		...(name === undefined ? [] : [name]),
	];
	const odd = parts.find((part) => part === '' || part === '.' || part === '..');
	if (odd !== undefined) throw new Error(`not a part of a path: ${JSON.stringify(odd)} in ${parts.join('/')}`);
	return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** What a path is about, as in the rules of RBAC: `pods`, `pods/log`, `deployments.apps`. */
export function resourceOf(path: string): string {
	const [root, ...rest] = path.split('/').slice(1);
	if (root !== 'api' && root !== 'apis') return path;
	const group = root === 'apis' ? `.${rest.shift()}` : '';
	rest.shift(); // the version
	// Below namespaces/NAME stands what belongs to it, but for the namespace itself and its subresources.
	const [plural = '', , subresource] =
		rest[0] === 'namespaces' && rest[2] !== undefined && !namespaceParts.has(rest[2]) ? rest.slice(2) : rest;
	return `${plural}${group}${subresource === undefined ? '' : `/${subresource}`}`;
}

const namespaceParts: ReadonlySet<string> = new Set(['status', 'finalize']);
