import { defined } from '../../base/defined.ts';
import type { Credential, Material, Plugin, Target, User } from './target.ts';

/**
 * A target as a kubeconfig with one context, in JSON, which is YAML too. It needs nothing from the environment but the proxies that are configured there:
 * plugins find theirs in it.
 */
export function asKubeconfig(target: Target): string {
	const { server, proxyUrl, tlsServerName, isUnverified, authority, user } = target;
	const config = user.credential.is === 'plugin' ? user.credential.plugin.cluster?.config : undefined;
	return JSON.stringify({
		apiVersion: 'v1',
		kind: 'Config',
		clusters: [
			{
				name,
				cluster: defined({
					server: server.href,
					'proxy-url': proxyUrl,
					'tls-server-name': tlsServerName,
					// client-go refuses an authority that is not to be looked at.
					...(isUnverified ? { 'insecure-skip-tls-verify': true } : material('certificate-authority', authority)),
					extensions: config === undefined ? undefined : [{ name: 'client.authentication.k8s.io/exec', extension: config }],
				}),
			},
		],
		users: [{ name, user: userOf(user) }],
		contexts: [{ name, context: { cluster: name, user: name } }],
		'current-context': name,
	});
}

const name = 'milvus-coredump-agent';

function userOf({ certificate, credential, impersonation }: User): object {
	return defined({
		...material('client-certificate', certificate?.certificate),
		...material('client-key', certificate?.key),
		...credentialOf(credential),
		as: impersonation['Impersonate-User'],
		'as-uid': impersonation['Impersonate-Uid'],
		'as-groups': impersonation['Impersonate-Group'],
	});
}

function credentialOf(credential: Credential): object {
	switch (credential.is) {
		case 'none':
			return {};
		case 'token':
			return credential.token.is === 'file' ? { tokenFile: credential.token.path } : { token: credential.token.bytes.toString().trim() };
		case 'password':
			return { username: credential.username, password: credential.password };
		case 'plugin':
			return { exec: execOf(credential.plugin) };
		default:
			return credential satisfies never;
	}
}

function execOf({ apiVersion, command, arguments: args, environment, installHint, cluster }: Plugin): object {
	const env = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
	return defined({ apiVersion, command, args, env, installHint, provideClusterInfo: cluster !== undefined, interactiveMode: 'Never' });
}

function material(key: string, from: Material | undefined): Readonly<Record<string, string>> {
	if (from === undefined) return {};
	return from.is === 'file' ? { [key]: from.path } : { [`${key}-data`]: from.bytes.toString('base64') };
}
