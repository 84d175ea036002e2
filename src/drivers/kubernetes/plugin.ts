import { z } from 'zod';
import { defined } from '../../base/defined.ts';
import { type Ended, run } from '../process/process.ts';
import { KubernetesRefused, KubernetesUnavailable, oneLine } from './errors.ts';
import type { Plugin } from './target.ts';

export type PluginCredential = { readonly token?: string; readonly certificate?: string; readonly key?: string };

/** It may ask somebody far away; nobody can answer it here. */
const timeoutMs = 60_000;

const execCredential = z.object({
	status: z.object({
		token: z.string().min(1).nullish(),
		clientCertificateData: z.string().min(1).nullish(),
		clientKeyData: z.string().min(1).nullish(),
		expirationTimestamp: z.iso.datetime({ offset: true }).nullish(),
	}),
});

/** The credential of a plugin, asked for again when it has run out. */
export function pluginCredential(plugin: Plugin, user: string) {
	let kept: Kept | undefined;
	/** Requests that are made at the same time wait for the same answer. */
	let coming: Promise<Kept> | undefined;

	async function fetched(): Promise<Kept> {
		const { how, stdout, stderr } = await run(plugin.command, plugin.arguments, {
			environment: defined({ ...plugin.environment, KUBERNETES_EXEC_INFO: execInfo(plugin) }),
			timeoutMs,
			maxOutputBytes: 1 << 20,
		});
		if (how.is === 'not found') throw new KubernetesRefused(`${user}: ${plugin.command} is not installed${hint(plugin)}`);
		if (how.is !== 'exited' || how.code !== 0) {
			const words = stderr.trim().split('\n').at(-1) || ending(how);
			throw new KubernetesUnavailable(`${user}: ${plugin.command} gives no credentials: ${oneLine(words)}`);
		}
		const answer = execCredential.safeParse(parsed(stdout));
		if (!answer.success) throw new KubernetesUnavailable(`${user}: ${plugin.command} does not answer with an ExecCredential`);
		const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.data.status;
		return {
			credential: defined({ token: token ?? undefined, certificate: clientCertificateData ?? undefined, key: clientKeyData ?? undefined }),
			until: expirationTimestamp == null ? Number.POSITIVE_INFINITY : Date.parse(expirationTimestamp),
		};
	}

	return {
		async current(signal: AbortSignal): Promise<PluginCredential> {
			if (kept === undefined || Date.now() >= kept.until) {
				coming ??= fetched().finally(() => {
					coming = undefined;
				});
				kept = await unlessAborted(coming, signal);
			}
			return kept.credential;
		},
		renew(): boolean {
			kept = undefined;
			return true;
		},
	};
}

type Kept = { readonly credential: PluginCredential; readonly until: number };

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise: aborted, reject } = Promise.withResolvers<never>();
	const abort = () => reject(signal.reason);
	if (signal.aborted) abort();
	signal.addEventListener('abort', abort);
	try {
		return await Promise.race([promise, aborted]);
	} finally {
		signal.removeEventListener('abort', abort);
	}
}

const execInfo = ({ apiVersion, cluster }: Plugin) =>
	JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false, ...(cluster ? { cluster } : {}) } });

const hint = ({ installHint }: Plugin) => (installHint ? `: ${oneLine(installHint)}` : '');

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined; // refused by the schema
	}
}

function ending(how: Ended['how']): string {
	switch (how.is) {
		case 'exited':
			return `exit code ${how.code}`;
		case 'killed':
			return `ended by ${how.by}`;
		default:
			return how.is;
	}
}
