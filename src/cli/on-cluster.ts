import { hostname } from 'node:os';
import type { Command } from 'commander';

export type ClusterOptions = { readonly kubeconfig?: string; readonly node?: string };

/** The options by which a command knows which node of which cluster it is on. */
export const withCluster = (command: Command, whatFor: string): Command =>
	command
		.option('--kubeconfig <file>', `${whatFor} a node of the cluster that this file names (default: inside of a cluster, its own)`)
		.option('--node <name>', 'the name of the node (default: $NODE_NAME, else the host name)');

export const nodeName = ({ node }: ClusterOptions): string => node || process.env.NODE_NAME || hostname();
