import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { defined } from '../../base/defined.ts';
import { readChecked } from '../../config/checked.ts';
import { ConfigError } from '../../config/error.ts';
import type { Credential, Environment, Material, Plugin, Target, User } from './target.ts';

/** Kubeconfigs are written by many programs, which leave keys empty (`env: null`) and add their own. */
const text = z.string().nullish();
const secret = text.meta({ secret: true });

const clusterSchema = z.object({
	server: z.string().regex(/^https?:\/\/./, 'an address such as https://10.0.0.1:6443'),
	'certificate-authority': text,
	'certificate-authority-data': secret,
	'insecure-skip-tls-verify': z.boolean().nullish(),
	'tls-server-name': text,
	'proxy-url': z
		.string()
		.regex(/^(https?:\/\/.*)?$/, 'an address that begins with http:// or https:// (SOCKS is not supported)')
		.nullish()
		.meta({ secret: true }),
	extensions: z.array(z.object({ name: z.string(), extension: z.unknown() })).nullish(),
});
const execSchema = z.object({
	apiVersion: z
		.string()
		.regex(/^client\.authentication\.k8s\.io\/v1(beta1)?$/, 'client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1'),
	command: z.string().min(1),
	args: z.array(z.string()).nullish().meta({ secret: true }),
	env: z.array(z.object({ name: z.string(), value: z.string().meta({ secret: true }) })).nullish(),
	installHint: text,
	provideClusterInfo: z.boolean().nullish(),
});
const userSchema = z.object({
	'client-certificate': text,
	'client-certificate-data': secret,
	'client-key': text,
	'client-key-data': secret,
	token: secret,
	tokenFile: text,
	username: text,
	password: secret,
	as: text,
	'as-uid': text,
	'as-groups': z.array(z.string()).nullish(),
	exec: execSchema.nullish(),
	'auth-provider': z.object({ name: z.string(), config: z.record(z.string(), text).nullish().meta({ secret: true }) }).nullish(),
});
const contextSchema = z.object({ cluster: z.string(), user: text, namespace: text });
const kubeconfigSchema = z.object({
	clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })).nullish(),
	users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })).nullish(),
	contexts: z.array(z.object({ name: z.string(), context: contextSchema })).nullish(),
	'current-context': text,
});

type ClusterEntry = z.output<typeof clusterSchema>;
type UserEntry = z.output<typeof userSchema>;

/**
 * What one context of kubeconfig files says. Of several files the first that has an entry counts, as for kubectl;
 * paths in a file are relative to it.
 *
 * @param context undefined: `current-context`
 * @throws {ConfigError} a line for each mistake; none quotes a secret
 */
export function readKubeconfig(files: readonly string[], context: string | undefined, environment: Environment): Target {
	const read = files.map((file) => ({ file, ...readChecked(file, kubeconfigSchema, { example: 'clusters', what: 'kubeconfig' }) }));
	const shown = files.join(', ');
	const find = <E extends { readonly name: string }>(
		kind: string,
		name: string,
		entriesOf: (one: (typeof read)[number]) => readonly E[],
	) => {
		for (const one of read) {
			const entry = entriesOf(one).find((entry) => entry.name === name);
			if (entry) return { file: one.file, ...entry };
		}
		const names = [...new Set(read.flatMap(entriesOf).map((entry) => entry.name))];
		throw new ConfigError(
			`${shown}: no ${kind} ${name}; ${names.length > 0 ? `there is ${names.join(', ')}` : `there is no ${kind} at all`}`,
		);
	};

	const wanted = context ?? read.map((one) => one['current-context']).find((name) => name);
	if (!wanted) throw new ConfigError(`${shown}: no current-context; name one by --context, or kubectl config use-context`);
	const { context: chosen } = find('context', wanted, (one) => one.contexts ?? []);
	const { file: clusterFile, cluster } = find('cluster', chosen.cluster, (one) => one.clusters ?? []);
	const found = chosen.user ? find('user', chosen.user, (one) => one.users ?? []) : undefined;
	const authority = material(clusterFile, cluster['certificate-authority'], cluster['certificate-authority-data']);
	const nobody: User = {
		name: `nobody (context "${wanted}" of ${shown} names no user)`,
		credential: { is: 'none' },
		impersonation: {},
	};
	return defined({
		server: serverOf(clusterFile, cluster.server),
		namespace: chosen.namespace || 'default',
		proxies: cluster['proxy-url'] ? { HTTP_PROXY: cluster['proxy-url'], HTTPS_PROXY: cluster['proxy-url'] } : environment,
		proxyUrl: cluster['proxy-url'] || undefined,
		tlsServerName: cluster['tls-server-name'] || undefined,
		isUnverified: cluster['insecure-skip-tls-verify'] ?? false,
		authority,
		user: found ? userOf(found.name, found.user ?? {}, { file: found.file, cluster, environment }) : nobody,
	});
}

function serverOf(file: string, server: string): URL {
	if (!URL.canParse(server)) throw new ConfigError(`${file}: the address of a cluster's server can't be understood`);
	const url = new URL(server);
	if (url.username || url.password) throw new ConfigError(`${file}: a server's address holds a user name; it belongs under users`);
	return url;
}

/** What an entry is read with. */
type Around = { readonly file: string; readonly cluster: ClusterEntry; readonly environment: Environment };

function userOf(name: string, user: UserEntry, around: Around): User {
	const { file } = around;
	const shown = `user "${name}" of ${file}`;
	const certificate = material(file, user['client-certificate'], user['client-certificate-data']);
	const key = material(file, user['client-key'], user['client-key-data']);
	if ((certificate === undefined) !== (key === undefined))
		throw new ConfigError(`${shown}: client-certificate and client-key belong together; one of them is missing`);
	return {
		name: shown,
		...(certificate && key ? { certificate: { certificate, key } } : {}),
		credential: credentialOf(shown, user, around),
		impersonation: defined({
			'Impersonate-User': user.as || undefined,
			'Impersonate-Uid': user['as-uid'] || undefined,
			'Impersonate-Group': user['as-groups'] ?? undefined,
		}) as User['impersonation'],
	};
}

function credentialOf(shown: string, user: UserEntry, around: Around): Credential {
	if (user.tokenFile) return { is: 'token', token: { is: 'file', path: beside(around.file, user.tokenFile) } };
	if (user.token) return { is: 'token', token: { is: 'data', bytes: Buffer.from(user.token) } };
	if (user.exec) return { is: 'plugin', plugin: pluginOf(user.exec, around) };
	if (user.username) return { is: 'password', username: user.username, password: user.password ?? '' };
	const provider = user['auth-provider'];
	if (!provider) return { is: 'none' };
	if (provider.name === 'oidc') return { is: 'token', token: { is: 'data', bytes: Buffer.from(idToken(shown, provider.config ?? {})) } };
	throw new ConfigError(`${shown}: auth-provider ${provider.name} is no longer part of Kubernetes; use its plugin (exec)`);
}

/** Renewing it is left to kubectl, which writes the new one into the file: the one before may be good for nothing then. */
function idToken(shown: string, config: Readonly<Record<string, string | null | undefined>>): string {
	const token = config['id-token'];
	if (!token) throw new ConfigError(`${shown}: there is no id-token yet; log in by kubectl once`);
	const expires = expiry(token);
	if (expires !== undefined && expires <= Date.now())
		throw new ConfigError(`${shown}: the id-token has run out; kubectl get --raw /version renews it`);
	return token;
}

/** The claim `exp` of a JSON Web Token (RFC 7519), in milliseconds; whether it is a good one is for the API server to say. */
function expiry(token: string): number | undefined {
	try {
		const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
		return typeof exp === 'number' ? exp * 1000 : undefined;
	} catch {
		return undefined;
	}
}

function pluginOf(exec: NonNullable<UserEntry['exec']>, { file, cluster, environment }: Around): Plugin {
	const { extensions, ...info } = cluster;
	const config = extensions?.find(({ name }) => name === 'client.authentication.k8s.io/exec')?.extension;
	return {
		apiVersion: exec.apiVersion,
		// As for kubectl: a name alone is looked for in PATH.
		command: exec.command.includes('/') ? beside(file, exec.command) : exec.command,
		arguments: exec.args ?? [],
		environment: { ...environment, ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])) },
		installHint: exec.installHint ?? undefined,
		cluster: exec.provideClusterInfo ? { ...info, ...(config === undefined ? {} : { config }) } : undefined,
	};
}

/** Data counts more than a file, as for kubectl. */
function material(file: string, path: string | null | undefined, data: string | null | undefined): Material | undefined {
	if (data) return { is: 'data', bytes: Buffer.from(data, 'base64') };
	return path ? { is: 'file', path: beside(file, path) } : undefined;
}

const beside = (file: string, path: string) => resolve(dirname(file), path);
