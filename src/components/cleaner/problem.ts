import { apiVersion, resource } from '../../domain/cleanup-object/cleanup-object.ts';
import { KubernetesRefused } from '../../drivers/kubernetes/kubernetes.ts';

/** What is wrong, and what to do about it, in one line. */
export function problemOf(error: Error): string {
	if (!(error instanceof KubernetesRefused)) return error.message;
	switch (error.status) {
		case 404:
			return `the cluster does not know ${resource.kind} in ${apiVersion}: install it by kubectl apply --server-side -f deploy/crds/instancecleanups.yaml, or set cleaner.enabled to false (${error.message})`;
		case 403:
			return `the controller lacks rights: doctor --role controller says which, docs/reference/rbac.md what for (${error.message})`;
		default:
			return error.message;
	}
}
