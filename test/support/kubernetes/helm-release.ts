import { gzipSync } from 'node:zlib';
import type { Manifest, Stored } from './api.ts';
import type { Cluster } from './cluster.ts';
import { type Dependency, dependency, releaseAnnotations } from './dependencies.ts';
import { type Labels, type Made, make, manifestOf } from './workload.ts';

export type HelmRelease = {
	readonly namespace: string;
	readonly release: string;
	/** Name and version of the chart: `milvus-5.0.19`, `milvus-4.2.8`. */
	readonly chart: `milvus-${string}`;
	/** How many pods of each component, of those that the chart is told to run. */
	readonly components: Readonly<Record<string, number>>;
	/** The values of that name. */
	readonly nameOverride?: string;
	readonly fullnameOverride?: string;
	readonly labels?: Labels;
	readonly attu?: boolean;
	readonly woodpecker?: boolean;
	readonly dependencies?: readonly Dependency[];
	/** What Helm says of the newest revision. Those before it are superseded, or the one before is still deployed when this one is pending. */
	readonly status?: 'deployed' | 'failed' | 'uninstalling' | 'pending-install' | 'pending-upgrade' | 'pending-rollback';
	readonly revision?: number;
	/** Else a node is made for it. */
	readonly node?: string;
};

export type MadeRelease = Made & {
	/** Of the newest revision. */
	readonly secret: Stored;
};

/** Makes what `helm install` of Milvus' own chart leaves in the cluster, as far as it has to do with pods, and waits for the pods. */
export async function helmRelease(cluster: Cluster, options: HelmRelease): Promise<MadeRelease> {
	const { namespace, release, dependencies = [] } = options;
	const node = options.node ?? (await cluster.node());
	const place = { namespace, release, node };
	const manifests = [...milvus(options, node), ...dependencies.flatMap((kind) => dependency(kind, place))];
	const secret = await releaseSecrets(cluster, { ...options, appVersion: appVersion(options.chart) }, manifests);
	return { secret, ...(await make(cluster, manifests)) };
}

const appVersion = (chart: string) => ({ 'milvus-5.0.19': '2.6.15', 'milvus-4.2.8': '2.4.9' })[chart] ?? '2.5.4';

/** Templates of milvus-helm, `_helpers.tpl` and a file for each component. */
function milvus(options: HelmRelease, node: string): readonly Manifest[] {
	const { namespace, release, chart, components, nameOverride: name = 'milvus', labels = {} } = options;
	const fullName = options.fullnameOverride ?? (release.includes(name) ? release : `${release}-${name}`);
	const own = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': release };
	const helm = { 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/version': appVersion(chart), 'helm.sh/chart': chart };
	const annotations = releaseAnnotations({ namespace, release });
	const workload = (component: string, replicas: number, args?: readonly string[]) =>
		manifestOf({
			...{ kind: 'Deployment', namespace, replicas, node, name: `${fullName}-${component}` },
			labels: { ...own, ...helm, component, ...labels },
			annotations: { ...annotations, ...(component === 'standalone' && { 'milvus.io/message-queue': 'woodpecker' }) },
			selector: { ...own, component },
			podLabels: { ...own, component, ...labels },
			container: { name: component, image: `milvusdb/milvus:v${appVersion(chart)}`, ...(args && { args }) },
		});
	return [
		...Object.entries(components).map(([component, replicas]) => workload(component, replicas, argumentsOf(component, chart))),
		...(options.attu ? [workload('attu', 1)] : []),
		...(options.woodpecker
			? [
					manifestOf({
						...{ kind: 'StatefulSet', namespace, node, name: `${fullName}-woodpecker`, annotations },
						labels: { ...own, ...helm, component: 'woodpecker' },
						selector: { ...own, component: 'woodpecker' },
						podLabels: { ...own, component: 'woodpecker' },
						container: { name: 'woodpecker', image: 'zilliztech/woodpecker:v0.1.15' },
					}),
				]
			: []),
	];
}

function argumentsOf(component: string, chart: string): readonly string[] {
	const [major = 0, minor = 0, patch = 0] = chart.slice('milvus-'.length).split('.').map(Number);
	const version = major * 10_000 + minor * 100 + patch;
	const script = version >= 30_302 && version < 40_200 ? ['/milvus/tools/run-helm.sh'] : [];
	const roles = component === 'mixcoord' ? ['mixture', '-rootcoord', '-querycoord', '-datacoord', '-indexcoord'] : [component];
	return [...script, 'milvus', 'run', ...roles];
}

/**
 * What Helm keeps of a release, a Secret for each revision: pkg/storage/driver/secrets.go, util.go.
 *
 * @param chart name and version
 * @returns that of the newest revision
 */
export async function releaseSecrets(
	cluster: Cluster,
	options: Pick<HelmRelease, 'namespace' | 'release' | 'status' | 'revision'> & { readonly chart: string; readonly appVersion: string },
	manifests: readonly Manifest[],
): Promise<Stored> {
	const { namespace, release, chart, appVersion, status = 'deployed', revision = 1 } = options;
	const secret = (version: number, status: string) => {
		const now = new Date();
		const [, name = '', chartVersion = ''] = /^(.*?)-(\d.*)$/.exec(chart) ?? [];
		const record = {
			name: release,
			info: { first_deployed: now, last_deployed: now, deleted: '', description: '', status },
			chart: { metadata: { name, version: chartVersion, appVersion, apiVersion: 'v2' }, templates: [], values: {} },
			config: {},
			manifest: manifests.map((manifest) => `---\n${JSON.stringify(manifest)}\n`).join(''),
			version,
			namespace,
		};
		return cluster.create({
			apiVersion: 'v1',
			kind: 'Secret',
			metadata: {
				name: `sh.helm.release.v1.${release}.v${version}`,
				namespace,
				labels: { name: release, owner: 'helm', status, version: String(version), modifiedAt: String(Math.floor(now.getTime() / 1000)) },
			},
			type: 'helm.sh/release.v1',
			// Helm's own base64, and that of the Secret.
			data: { release: Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64') },
		});
	};
	const isPending = status.startsWith('pending');
	for (let version = 1; version < revision; version++)
		await secret(version, isPending && version === revision - 1 ? 'deployed' : 'superseded');
	return secret(revision, status);
}
