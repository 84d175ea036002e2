import { accessSync, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ConfigError } from '../../config/error.ts';
import { readKubeconfig } from './kubeconfig.ts';
import type { Environment, Target } from './target.ts';

export type Place = {
	/** A file that the user named. */
	readonly kubeconfig?: string | undefined;
	/** Of the kubeconfig; undefined: its current one. */
	readonly context?: string | undefined;
	readonly environment: Environment;
	/** Where the kubelet mounts the service account into a container. */
	readonly serviceAccount: string;
};

/**
 * Which API server, and as whom: a file that was named, `KUBECONFIG`, the service account of the pod, `~/.kube/config`.
 *
 * @throws {ConfigError} there is none, or it is wrong
 */
export function findTarget({ kubeconfig, context, environment, serviceAccount }: Place): Target {
	if (kubeconfig !== undefined) return readKubeconfig([kubeconfig], context, environment);
	const named = (environment.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
	if (named.length > 0) {
		const present = named.filter((file) => existsSync(file));
		if (present.length === 0) throw new ConfigError(`${named.join(', ')} (from KUBECONFIG): there is no such file`);
		return readKubeconfig(present, context, environment);
	}
	const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
	if (host && port && context === undefined) return inCluster(host, port, serviceAccount, environment);
	const own = join(environment.HOME || homedir(), '.kube/config');
	if (existsSync(own)) return readKubeconfig([own], context, environment);
	throw new ConfigError(`no Kubernetes is configured: name a kubeconfig by --kubeconfig or KUBECONFIG (there is no ${own})`);
}

/** https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
function inCluster(host: string, port: string, folder: string, proxies: Environment): Target {
	const [ca, token, namespace] = ['ca.crt', 'token', 'namespace'].map((name) => join(folder, name)) as [string, string, string];
	if (!isReadable(token))
		throw new ConfigError(
			`${token}: there is no token of a service account, though KUBERNETES_SERVICE_HOST is set; does the pod say automountServiceAccountToken: false?`,
		);
	return {
		server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
		namespace: isReadable(namespace) ? readFileSync(namespace, 'utf8').trim() : 'default',
		proxies,
		isUnverified: false,
		authority: { is: 'file', path: ca },
		user: { name: `the service account of this pod`, credential: { is: 'token', token: { is: 'file', path: token } }, impersonation: {} },
	};
}

function isReadable(path: string): boolean {
	try {
		accessSync(path);
		return true;
	} catch {
		return false;
	}
}
