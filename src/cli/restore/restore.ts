import type { Command } from 'commander';
import { printable } from '../../base/printable.ts';
import { isName } from '../../domain/saved-instance.ts';
import { type Cluster, connect } from '../../drivers/kubernetes/kubernetes.ts';
import { table } from '../../report/report.ts';
import { UserError } from '../errors.ts';
import { interruptible } from '../interruption.ts';
import { paintFor } from '../output.ts';
import { apply } from './apply.ts';
import { chosen, savedInstances } from './chosen.ts';
import { standingOf } from './standing.ts';
import { describe, kept, notes, steps } from './steps.ts';

export type Options = { readonly kubeconfig?: string; readonly context?: string; readonly namespace?: string; readonly apply?: boolean };

export function restoreCommand(program: Command): void {
	program
		.command('restore')
		.description(
			'print the commands that bring back an instance which the cleaner has removed, or run them with --apply; without a name, list what was saved',
		)
		.argument('[name]', 'of the InstanceCleanup, or of the Secret in which the instance was saved')
		.option('--apply', 'bring it back, by kubectl create and helm rollback')
		.option('--kubeconfig <file>', 'the kubeconfig of the cluster, as whom it is restored (default: $KUBECONFIG, else ~/.kube/config)')
		.option('--context <name>', 'which context of the kubeconfig (default: its current one)')
		.option('-n, --namespace <name>', "the agent's own namespace, where instances are saved (default: all are looked through)")
		.action((name: string | undefined, options: Options) =>
			interruptible(async ({ signal }) => {
				if (options.namespace !== undefined && !isName(options.namespace))
					throw new UserError(`--namespace ${printable(options.namespace)}: no namespace can be called so`);
				return name === undefined ? list(options, signal) : restore(name, options, signal);
			}),
		);
}

/** Not as the service account of a pod: what is restored is for a person to answer for, and the agent has no right to it. */
function connectAsUser({ kubeconfig, context }: Options): Promise<Cluster> {
	const { KUBERNETES_SERVICE_HOST: _, ...environment } = process.env;
	return connect({ kubeconfig, context, environment });
}

async function restore(name: string, options: Options, signal: AbortSignal): Promise<void> {
	using cluster = await connectAsUser(options);
	const found = await chosen(cluster, name, options.namespace, signal);
	const { saved } = found;
	const standing = await standingOf(cluster, saved, options, signal);
	if (standing.is !== 'gone') throw new UserError(`nothing is restored: ${standing.words}`);
	const tell = (line: string) => void process.stdout.write(`${line}\n`);
	if (options.apply) {
		await apply(cluster, found, options, tell, signal);
		for (const note of notes(saved, options)) tell(note);
		return;
	}
	tell(`# ${describe(saved)}, as it was ${kept(saved)}`);
	tell(steps(saved, options).join(' &&\n'));
	for (const note of notes(saved, options)) tell(`# ${note}`);
}

async function list(options: Options, signal: AbortSignal): Promise<void> {
	if (options.apply) throw new UserError('--apply is for one instance: give its name, as `restore` lists it');
	using cluster = await connectAsUser(options);
	const all = await savedInstances(cluster, options.namespace, signal);
	if (all.length === 0) return void process.stdout.write('no instance was saved\n');
	const rows: string[][] = [];
	for (const saved of all) {
		const { name, namespace, savedAt } = saved;
		const { is } = await standingOf(cluster, saved, options, signal);
		rows.push([name, namespace, describe(saved), new Date(savedAt).toISOString(), is].map(printable));
	}
	const [head = '', ...lines] = table([['NAME', 'SAVED IN', 'INSTANCE', 'SAVED', 'NOW'], ...rows]);
	process.stdout.write(`${[paintFor(process.stdout)('bold', head), ...lines].join('\n')}\n`);
}
