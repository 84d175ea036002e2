import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import type { Mode } from '../agent/agent.ts';
import type { Cluster } from '../drivers/kubernetes/kubernetes.ts';
import type { Purpose, Role } from '../telemetry/telemetry.ts';
import { UserError } from './errors.ts';
import type { SettingsOptions } from './settings.ts';

export type ClusterOptions = { readonly kubeconfig?: string; readonly node?: string };

/** The options by which a command knows which node of which cluster it is on. */
export const withCluster = (command: Command, whatFor: string): Command =>
	command
		.option('--kubeconfig <file>', `${whatFor} a node of the cluster of this kubeconfig (default: in a pod, its own cluster)`)
		.option('--node <name>', 'the name of the node (default: $NODE_NAME, else the host name)');

/** What an agent does in a cluster. */
export const roles = ['node', 'controller', 'both'] as const satisfies readonly Role[];

export type RoleOptions = { readonly role?: Role };

export const withRole = (command: Command, what: string): Command =>
	command.addOption(
		new Option(
			'--role <role>',
			`${what}: node is for the crashes of its node, controller for what is done once in the whole cluster, by the one that leads (default: node)`,
		).choices(roles),
	);

/** @throws {UserError} there is a role, and no cluster */
export function purposeOf({ role, standalone }: RoleOptions & SettingsOptions, mode: Mode): Purpose {
	if (mode === 'node') return role ?? 'node';
	if (role === undefined) return mode;
	throw new UserError(
		standalone
			? '--standalone is for a machine by itself, which has no --role: leave one of them out'
			: `--role ${role} is for an agent in a cluster: name that with --kubeconfig, or leave --role out`,
	);
}

/** The namespace that the agent itself is in. */
export const ownNamespace = ({ namespace }: Pick<Cluster, 'namespace'>): string => process.env.POD_NAMESPACE || namespace;

export const nodeName = ({ node }: ClusterOptions): string => node || process.env.NODE_NAME || hostname();
