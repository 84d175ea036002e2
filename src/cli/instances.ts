import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import { listInstances } from '../components/discovery/discovery.ts';
import { connect } from '../drivers/kubernetes/kubernetes.ts';
import { table } from '../report/report.ts';
import { paintFor, writeJson } from './output.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

type Options = SettingsOptions & { readonly json?: boolean; readonly context?: string; readonly namespace?: string };

export function instancesCommand(program: Command): void {
	withConfig(program.command('instances'))
		.description('list the Milvus instances of the cluster')
		.option('--kubeconfig <file>', 'the kubeconfig of the cluster (default: $KUBECONFIG; in a pod, its own cluster; else ~/.kube/config)')
		.option('--context <name>', 'which context of the kubeconfig (default: its current one)')
		.option('-n, --namespace <name>', 'only those of this namespace')
		.option('--json', 'print them as a JSON array')
		.action(run);
}

async function run({ json, context, namespace, ...options }: Options): Promise<void> {
	const { discovery } = (await loadSettings(options)).config;
	using cluster = await connect({ kubeconfig: options.kubeconfig, context });
	const onGap = (problem: string) => void process.stderr.write(`milvus-coredump-agent: ${printable(problem)}\n`);
	const instances = await listInstances(cluster, discovery, namespace === undefined ? discovery.namespaces : [namespace], onGap);
	if (json) return void writeJson(instances);
	if (instances.length === 0) return void process.stdout.write('no instance of Milvus\n');
	const rows = instances.map(({ components, ...one }) => [one.namespace, one.name, one.kind, components.join(',') || '-'].map(printable));
	const [head = '', ...lines] = table([['NAMESPACE', 'NAME', 'KIND', 'COMPONENTS'], ...rows]);
	process.stdout.write(`${[paintFor(process.stdout)('bold', head), ...lines].join('\n')}\n`);
}
