import { readFile } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import { ConfigError, unreadable } from '../../config/error.ts';
import { pluginCredential } from './plugin.ts';
import type { Material, Target } from './target.ts';

/** Certificates and key, as PEM. */
export type TlsMaterial = { readonly ca?: string; readonly cert?: string; readonly key?: string };

/** What a request shows, so that the API server knows who asks. */
export type Shown = { readonly headers: Readonly<Record<string, string | string[]>>; readonly tls: TlsMaterial };

/** As whom requests are made. Files that are exchanged and tokens that run out are fetched anew. */
export type Identity = {
	/** For messages. */
	readonly name: string;
	/** @throws {KubernetesUnavailable | KubernetesRefused} the plugin gives no credential */
	current(signal: AbortSignal): Promise<Shown>;
	/** The API server did not believe it. @returns whether there may be another one now */
	renew(): boolean;
};

/** As client-go: a kubelet exchanges the token of a service account long before it runs out. */
const rereadAfterMs = 60_000;

/** @throws {ConfigError} a file is missing or empty */
export async function identityOf({ authority, user }: Target): Promise<Identity> {
	const ca = await source('certificate-authority', user.name, authority);
	const cert = await source('client-certificate', user.name, user.certificate?.certificate);
	const key = await source('client-key', user.name, user.certificate?.key);
	const { credential } = user;
	const token = await source('token', user.name, credential.is === 'token' ? credential.token : undefined);
	const plugin = credential.is === 'plugin' ? pluginCredential(credential.plugin, user.name) : undefined;

	return {
		name: user.name,
		async current(signal) {
			const given = await plugin?.current(signal);
			const bearer = given?.token ?? (await token?.())?.trim();
			const authorization =
				bearer !== undefined
					? `Bearer ${bearer}`
					: credential.is === 'password'
						? basic(credential.username, credential.password)
						: undefined;
			return {
				headers: { ...(authorization === undefined ? {} : { authorization }), ...user.impersonation },
				tls: defined({ ca: await ca?.(), cert: given?.certificate ?? (await cert?.()), key: given?.key ?? (await key?.()) }),
			};
		},
		renew() {
			if (plugin) return plugin.renew();
			return token?.renew() ?? false;
		},
	};
}

const basic = (username: string, password: string) => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

type Source = { (): Promise<string>; renew(): boolean };

/** The text of a file as it is now, looked at once a minute; where it can't be read just then, as it was. */
async function source(what: string, user: string, material: Material | undefined): Promise<Source | undefined> {
	if (material === undefined) return undefined;
	if (material.is === 'data') {
		const text = material.bytes.toString();
		return Object.assign(async () => text, { renew: () => false });
	}
	const { path } = material;
	let read = { text: await content(path, `${what} ${path} (${user})`), at: performance.now() };
	async function current(): Promise<string> {
		if (performance.now() - read.at >= rereadAfterMs) {
			const text = await readFile(path, 'utf8').catch(() => ''); // being exchanged: looked at again in a minute
			read = { text: text.trim() === '' ? read.text : text, at: performance.now() };
		}
		return read.text;
	}
	return Object.assign(current, {
		renew() {
			read = { text: read.text, at: Number.NEGATIVE_INFINITY };
			return true;
		},
	});
}

async function content(path: string, name: string): Promise<string> {
	const text = await readFile(path, 'utf8').catch((error) => {
		throw unreadable(name, error);
	});
	if (text.trim() === '') throw new ConfigError(`${name}: is empty`);
	return text;
}
