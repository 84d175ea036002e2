import { printable } from '../base/printable.ts';

/**
 * What to type for something that only the agent of a node can do, in one line.
 *
 * @param nodes of which it is; empty where that is not known, or any
 * @param args of `reanalyze`
 */
export function whereToRun(nodes: readonly string[], args: readonly string[]): string {
	const all = [...new Set(nodes)];
	const where = all.length === 0 ? 'of each node' : `of node ${all.join(' and of node ')}`;
	const selector = all.length === 1 ? ` --field-selector spec.nodeName=${all[0]}` : '';
	const command = `kubectl -n NAMESPACE exec POD -- milvus-coredump-agent reanalyze ${args.join(' ')}`;
	const which = `kubectl get pods -A -o wide -l app=milvus-coredump-agent${selector}`;
	return printable(`that is for the agent ${where}: ${command}; NAMESPACE and POD are in ${which}`);
}
