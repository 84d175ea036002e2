import { readFileSync } from 'node:fs';
import https from 'node:https';
import { parse } from 'yaml';

export type Metadata = {
	readonly name: string;
	readonly namespace?: string;
	readonly uid?: string;
	readonly resourceVersion?: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly annotations?: Readonly<Record<string, string>>;
	readonly ownerReferences?: readonly OwnerReference[];
	readonly finalizers?: readonly string[];
	readonly creationTimestamp?: string;
	readonly deletionTimestamp?: string;
	readonly generation?: number;
};

export type OwnerReference = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly name: string;
	readonly uid: string;
	readonly controller?: boolean;
	readonly blockOwnerDeletion?: boolean;
};

/** An object of the API, of which a test knows what it put in. */
export type Manifest = { readonly apiVersion: string; readonly kind: string; readonly metadata: Metadata } & Readonly<
	Record<string, unknown>
>;

/** An object as the API gives it back. */
export type Stored = Manifest & { readonly metadata: { readonly uid: string; readonly resourceVersion: string } } & Readonly<
		Record<string, Field>
	>;

// biome-ignore lint/suspicious/noExplicitAny: a test looks where it knows that something is, and fails if it is not there
type Field = any;

/** The API server answered, but not with what was asked for. */
export class ApiError extends Error {
	readonly status: number;

	constructor(status: number, message: string) {
		super(message);
		this.status = status;
	}
}

export type Api = {
	/** https://ADDRESS:PORT */
	readonly url: string;
	/**
	 * One request, of which up to 40 run beside each other over connections that stay open. A PATCH is a merge patch.
	 *
	 * @throws {ApiError} for every status from 300 on
	 */
	call<T = Stored>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T>;
	create(manifest: Manifest): Promise<Stored>;
	/** @returns the object as it is stored now */
	read(manifest: Manifest): Promise<Stored>;
	/** The items of a list. @param path what `collectionOf` gives, with a selector if need be: `/api/v1/namespaces/a/pods?labelSelector=x` */
	list(path: string): Promise<readonly Stored[]>;
};

/** The API that a kubeconfig leads to, which must hold its certificates itself. */
export function apiOf(kubeconfig: string): Api {
	const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'));
	const [{ cluster }, { user }] = [clusters[0], users[0]];
	const decoded = (base64: string | undefined) => (base64 === undefined ? undefined : Buffer.from(base64, 'base64'));
	const agent = new https.Agent({
		keepAlive: true,
		maxSockets: 40,
		ca: decoded(cluster['certificate-authority-data']),
		cert: decoded(user['client-certificate-data']),
		key: decoded(user['client-key-data']),
	});
	const headers = user.token === undefined ? {} : { authorization: `Bearer ${user.token}` };

	const call: Api['call'] = (method, path, body) =>
		new Promise((resolve, reject) => {
			const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
			const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
			// Of a DELETE, Node tells nobody that there is content.
			const length = content && { 'content-length': content.length };
			const all = { ...headers, ...length, 'content-type': type };
			const request = https.request(cluster.server + path, { method, agent, headers: all }, (response) => {
				const chunks: Buffer[] = [];
				response.on('data', (chunk) => chunks.push(chunk));
				response.on('error', reject);
				response.on('end', () => {
					const text = Buffer.concat(chunks).toString();
					const status = response.statusCode ?? 0;
					// Of a watch, only the answer with one event can be read so.
					if (status < 300) Promise.try(() => JSON.parse(text)).then(resolve, reject);
					else reject(new ApiError(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`));
				});
			});
			request.on('error', reject);
			request.end(content);
		});

	return {
		url: cluster.server,
		call,
		create: (manifest) => call('POST', collectionOf(manifest), manifest),
		read: (manifest) => call('GET', pathOf(manifest)),
		async list(path) {
			const { apiVersion, kind, items } = await call<Stored>('GET', path);
			// The items of a list don't say what they are.
			return items.map((item: object) => ({ apiVersion, kind: kind.replace(/List$/, ''), ...item }));
		},
	};
}

const withoutNamespace = ['Namespace', 'Node', 'CustomResourceDefinition', 'ClusterRole', 'ClusterRoleBinding', 'PersistentVolume'];

/** Where the objects of that kind are. */
export function collectionOf({ apiVersion, kind, metadata }: Manifest): string {
	const lower = kind.toLowerCase();
	const plural = lower.endsWith('s') ? `${lower}es` : `${lower}s`;
	const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
	return withoutNamespace.includes(kind) ? `${group}/${plural}` : `${group}/namespaces/${metadata.namespace ?? 'default'}/${plural}`;
}

export const pathOf = (manifest: Manifest): string => `${collectionOf(manifest)}/${manifest.metadata.name}`;

/** The reference by which a controller owns what it made. */
export const ownedBy = ({ apiVersion, kind, metadata }: Stored): OwnerReference => ({
	apiVersion,
	kind,
	name: metadata.name,
	uid: metadata.uid,
	controller: true,
	blockOwnerDeletion: true,
});
