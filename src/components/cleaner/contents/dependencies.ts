/** What of a Milvus the operator may have installed beside it, as a Helm release of its own, and what it does with that at the end. */
export type Dependency = {
	readonly release: string;
	readonly isUninstalled: boolean;
	/** All volumes that are marked as its own. */
	readonly areVolumesDeleted: boolean;
	/** Where that is said. */
	readonly why: string;
};

/** A claim that the operator made, or was told of, for a message queue inside of Milvus. */
export type OwnClaim = { readonly name: string; readonly isDeleted: boolean; readonly why: string };

/** As much of the specification of a Milvus as tells what becomes of it: apis/milvus.io/v1beta1 of the operator. */
export type MilvusSpec = {
	readonly mode?: unknown;
	readonly dependencies?: Readonly<Record<string, unknown>>;
};

const builtIn = ['rocksmq', 'natsmq', 'woodpecker'] as const;

/** The operator's pkg/controllers/milvus.go, Finalize. Policies count as they stand in the custom resource now. */
export function dependenciesOf(name: string, { mode, dependencies = {} }: MilvusSpec): Dependency[] {
	const messages = dependencies.msgStreamType || (mode === 'cluster' ? 'pulsar' : undefined);
	const one = (field: string, release: string, isUsed: boolean, otherwise: 'Retain' | 'Delete'): Dependency => {
		const inCluster = record(record(dependencies[field]).inCluster);
		const policy = inCluster.deletionPolicy || otherwise;
		const isUninstalled = isUsed && policy === 'Delete';
		const areVolumesDeleted = isUninstalled && inCluster.pvcDeletion === true;
		const at = `spec.dependencies.${field}.inCluster`;
		const why = isUsed
			? `${at}.deletionPolicy: ${policy === 'Delete' ? 'Delete' : 'Retain'}${areVolumesDeleted ? ', pvcDeletion: true' : ''}`
			: `spec.dependencies does not name ${field} as in the cluster and in use`;
		return { release: `${name}-${release}`, isUninstalled, areVolumesDeleted, why };
	};
	const isInside = (field: string) => record(dependencies[field]).external !== true;
	return [
		one('etcd', 'etcd', isInside('etcd'), 'Retain'),
		one('storage', 'minio', isInside('storage'), 'Retain'),
		one('pulsar', 'pulsar', messages === 'pulsar' && isInside('pulsar'), 'Retain'),
		one('kafka', 'kafka', messages === 'kafka' && isInside('kafka'), 'Retain'),
		one('tei', 'tei', record(dependencies.tei).enabled === true, 'Delete'),
	];
}

/** Where the operator has not yet written down which queue it takes, any of them counts. */
export function ownClaimsOf(name: string, { mode, dependencies = {} }: MilvusSpec): OwnClaim[] {
	const type = dependencies.msgStreamType;
	const isOpen = !type && mode !== 'cluster';
	const data = `${name}-data`;
	const queues = builtIn.filter((queue) => isOpen || queue === type).filter((queue) => record(dependencies[queue]).external !== true);
	const claims = queues.map((queue) => ({ queue, persistence: record(record(dependencies[queue]).persistence) }));
	const deleting = claims.find(({ persistence }) => persistence.enabled === true && persistence.pvcDeletion === true);
	const words = deleting
		? `spec.dependencies.${deleting.queue}.persistence.pvcDeletion: true`
		: 'no spec.dependencies.*.persistence.pvcDeletion in use';
	const existing = claims.flatMap(({ queue, persistence }) => {
		const { existingClaim } = record(persistence.persistentVolumeClaim);
		if (typeof existingClaim !== 'string' || existingClaim === '' || existingClaim === data) return [];
		return [
			{ name: existingClaim, isDeleted: false, why: `spec.dependencies.${queue}.persistence names it, and the operator did not make it` },
		];
	});
	return [{ name: data, isDeleted: deleting !== undefined, why: words }, ...existing];
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
	typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
