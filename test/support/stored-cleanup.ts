import type { Decision } from '../../src/components/cleaner/decide.ts';
import type { Stored } from '../../src/components/cleaner/stored.ts';
import type { Instance } from '../../src/domain/pod.ts';

const instance: Instance = { namespace: 'ns', name: 'search', kind: 'helm' };

/** A decision as it is read from the cluster, of which nothing is told but how far it has come. @param target the uid of what is to be removed */
export function storedCleanup(decision: Decision, target: string, { uid = target, version = 1 } = {}): Stored {
	return {
		...decision,
		...{ namespace: instance.namespace, name: `search-${target}`, uid, resourceVersion: `${version}`, instance, status: undefined },
		spec: {
			...{ instance: instance.name, kind: instance.kind, windowSeconds: 3600, limit: 5 },
			target: { apiVersion: 'helm.sh/v1', kind: 'Release', name: instance.name, uid: target },
			decidedAt: new Date(decision.since).toISOString(),
			dueAt: new Date(decision.dueAt).toISOString(),
		},
	};
}
