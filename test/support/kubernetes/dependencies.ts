import type { Manifest } from './api.ts';
import { type Labels, manifestOf } from './workload.ts';

/** What Milvus runs on, and what can be beside it in its release or in one of its own. */
export type Dependency = 'etcd' | 'minio' | 'pulsar' | 'pulsarv3' | 'kafka' | 'tei';

export type Place = { readonly namespace: string; readonly release: string; readonly node: string };

/** The charts of the dependencies, as those of Milvus bring them. */
export const dependencyCharts: Readonly<Record<Dependency, string>> = {
	etcd: 'etcd-8.12.0',
	minio: 'minio-8.0.17',
	pulsar: 'pulsar-2.7.8',
	pulsarv3: 'pulsar-3.3.0',
	kafka: 'kafka-15.5.1',
	tei: 'tei-1.6.0',
};

/** What Helm writes on each object of a release. */
export const releaseAnnotations = ({ namespace, release }: Pick<Place, 'namespace' | 'release'>): Labels => ({
	'meta.helm.sh/release-name': release,
	'meta.helm.sh/release-namespace': namespace,
});

/**
 * The workloads of a dependency, labelled as its chart does it.
 *
 * @param release of which it is a part: that of Milvus, or one of its own (`a-etcd`), as the operator makes it
 */
export function dependency(kind: Dependency, place: Place): readonly Manifest[] {
	const { release } = place;
	const named = (name: string) => (release.includes(name) ? release : `${release}-${name}`);
	switch (kind) {
		case 'etcd':
		case 'tei':
			return [bitnami(kind, named(kind), place, dependencyCharts[kind])];
		case 'kafka':
			return [
				bitnami('kafka', named('kafka'), place, dependencyCharts.kafka, 'kafka'),
				bitnami('zookeeper', `${release}-zookeeper`, place, 'zookeeper-8.1.2', 'zookeeper'),
			];
		case 'minio': {
			const labels = { app: 'minio', release };
			return [
				workload('Deployment', named('minio'), 'minio', place, { ...labels, chart: dependencyCharts.minio, heritage: 'Helm' }, labels),
			];
		}
		case 'pulsar':
		case 'pulsarv3': {
			const cluster = named(kind);
			const pulsars = ['proxy', 'broker', 'bookie', 'zookeeper', 'recovery'].map((component) => {
				const labels = { app: kind, release, cluster, component };
				const more = { ...labels, chart: dependencyCharts[kind], heritage: 'Helm' };
				return workload('StatefulSet', `${cluster}-${component}`, `${cluster}-${component}`, place, more, labels);
			});
			return [...pulsars, workload('Job', `${cluster}-pulsar-init`, `${cluster}-pulsar-init`, place, { app: kind, release }, {})];
		}
		default:
			return kind satisfies never;
	}
}

function bitnami(name: string, fullName: string, place: Place, chart: string, component?: string): Manifest {
	const selector = {
		'app.kubernetes.io/name': name,
		'app.kubernetes.io/instance': place.release,
		...(component !== undefined && { 'app.kubernetes.io/component': component }),
	};
	// These charts label the pods as they do the rest; that of tei has only these two.
	const labels = { ...selector, 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': chart };
	return workload('StatefulSet', fullName, name, place, labels, name === 'tei' ? selector : labels, selector);
}

function workload(
	kind: 'Deployment' | 'StatefulSet' | 'Job',
	name: string,
	container: string,
	place: Place,
	labels: Labels,
	podLabels: Labels,
	selector: Labels = podLabels,
): Manifest {
	return manifestOf({
		...{ kind, name, labels, podLabels, selector, namespace: place.namespace, node: place.node },
		annotations: releaseAnnotations(place),
		container: { name: container, image: `example/${container}` },
	});
}
