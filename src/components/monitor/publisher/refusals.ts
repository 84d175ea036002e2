import { apiVersion, resource } from '../../../domain/crash-object/crash-object.ts';
import { KubernetesRefused } from '../../../drivers/kubernetes/kubernetes.ts';

/** The rule of the chart and the manifests, in words. */
const inWords = `list, create, patch on ${resource.plural}.${resource.group}, patch on ${resource.plural}.${resource.group}/status, create and patch on events`;

/** What is wrong, and what to do about it, in one line. @param rights that are needed */
export function problemOf(error: Error, rights = inWords): string {
	if (!(error instanceof KubernetesRefused)) return error.message;
	switch (error.status) {
		case 404:
			return `the cluster does not know ${resource.kind} in ${apiVersion}: install it by kubectl apply --server-side -f deploy/crds/crashreports.yaml (${error.message})`;
		case 403:
			return `the agent lacks rights: its service account needs ${rights} (${error.message})`;
		default:
			return error.message;
	}
}

/** The namespace is on its way out, and takes nothing new: admission plugin NamespaceLifecycle. */
export const isOfEndingNamespace = (error: unknown): boolean =>
	error instanceof KubernetesRefused && error.status === 403 && error.message.includes('because it is being terminated');

/** The API server finds fault with this one object, not with who asks. */
export const isOfObject = (error: unknown): error is KubernetesRefused =>
	error instanceof KubernetesRefused && (error.status === 422 || error.status === 400 || error.status === 413);

export const isOfRights = (error: unknown): error is KubernetesRefused => error instanceof KubernetesRefused && error.status === 403;
