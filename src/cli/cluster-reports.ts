import { type Command, Option } from 'commander';
import { printable } from '../base/printable.ts';
import { apiVersion, fingerprintSelector, idIn, resource } from '../domain/crash-object/crash-object.ts';
import { restored } from '../domain/crash-object/restore.ts';
import { grouped, partsOf } from '../domain/groups.ts';
import type { Earlier, Group } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import { type Cluster, connect, type KubernetesObject, type ListOptions, resource as path } from '../drivers/kubernetes/kubernetes.ts';
import { UserError } from './errors.ts';

export type ReportsOptions = {
	readonly kubeconfig?: string;
	readonly context?: string;
	readonly namespace?: string;
	readonly allNamespaces?: boolean;
	readonly standalone?: boolean;
};

/** The options by which a command is told whose crashes are meant: those of a cluster, or of the journal here. */
export const withReports = (command: Command): Command =>
	command
		.option(
			'--kubeconfig <file>',
			'the crashes of the cluster of this kubeconfig (default: $KUBECONFIG; without it, those of this machine)',
		)
		.option('--context <name>', 'which context of the kubeconfig (default: its current one)')
		.option('--namespace <name>', 'in a cluster: only those of this namespace')
		.addOption(new Option('-A, --all-namespaces', 'in a cluster: those of all namespaces (default)').conflicts('namespace'));

/**
 * Whether the crashes of a cluster are meant. Inside of a pod the journal is that of its node, which is meant there.
 *
 * @throws {UserError} something is said of a cluster, and none is named
 */
export function areOfCluster({ kubeconfig, context, namespace, allNamespaces, standalone }: ReportsOptions): boolean {
	if (!standalone && (kubeconfig !== undefined || process.env.KUBECONFIG)) return true;
	const option = [context && '--context', namespace && '--namespace', allNamespaces && '--all-namespaces'].find(Boolean);
	if (option) throw new UserError(`${option} is about a cluster: name it by --kubeconfig or KUBECONFIG`);
	return false;
}

/** The crash reports that a cluster has. */
export type ClusterReports = Disposable & {
	/** The newest first. */
	newest(most: number): Promise<CrashReport[]>;
	/** Those of the same bug together, those that came last first. */
	groups(most: number): Promise<Group[]>;
	/** The report whose id starts so. @throws {UserError} there is none, or several */
	find(start: string): Promise<CrashReport>;
	/** Crashes of the same bug before that. */
	earlier(report: CrashReport): Promise<Earlier | undefined>;
};

type CrashObject = KubernetesObject & { readonly spec?: unknown; readonly status?: unknown };

/** @throws {ConfigError} no cluster is configured, or wrongly */
export async function clusterReports({ kubeconfig, context, namespace }: ReportsOptions): Promise<ClusterReports> {
	const cluster: Cluster = await connect({ kubeconfig, context });
	const collection = path(apiVersion, resource.plural, namespace);

	async function* reports(options: ListOptions = {}): AsyncGenerator<CrashReport, void> {
		let unreadable = 0;
		for await (const object of cluster.list<CrashObject>(collection, { pageSize: 100, ...options })) {
			const report = restored(object);
			if (report) yield report;
			else unreadable++;
		}
		if (unreadable > 0) process.stderr.write(`left out, as this version can't read them: ${unreadable}\n`);
	}

	return {
		async newest(most) {
			let newest: CrashReport[] = [];
			for await (const report of reports()) {
				newest.push(report);
				if (newest.length > 2 * most) newest = newest.sort(byTime).slice(0, most);
			}
			return newest.sort(byTime).slice(0, most);
		},

		groups: async (most) => grouped(await partsOf(reports())).slice(0, most),

		async find(start) {
			const hint =
				'`milvus-coredump-agent list` shows those there are; one that is counted in the report of another is known on its node only';
			if (start === '') throw new UserError(`the id is empty: ${hint}`);
			const found: { readonly id: string; readonly namespace: string | undefined; readonly name: string }[] = [];
			for await (const { metadata } of cluster.list<KubernetesObject>(collection, { metadataOnly: true })) {
				const id = idIn(metadata.name);
				if (id.startsWith(start.toLowerCase())) found.push({ id, namespace: metadata.namespace, name: metadata.name });
			}
			const [one, ...others] = found;
			if (!one) throw new UserError(`no crash in the cluster has the id ${printable(start)}: ${hint}`);
			if (others.length > 0)
				throw new UserError(`the id ${printable(start)} fits ${found.length} crashes: ${found.map(({ id }) => id).join(', ')}`);
			const object = await cluster.get<CrashObject>(path(apiVersion, resource.plural, one.namespace, one.name));
			const report = object && restored(object);
			if (!report)
				throw new UserError(
					`the report of crash ${one.id} ${object ? "was written by a newer version: this one can't read it" : 'has just gone'}`,
				);
			return report;
		},

		async earlier({ fingerprint, time }) {
			if (fingerprint === null) return undefined;
			const before: { count: number; times: number[] } = { count: 0, times: [] };
			for await (const report of reports({ labelSelector: fingerprintSelector(fingerprint) })) {
				if (report.time >= time) continue;
				before.count += report.repeats?.count ?? 1;
				before.times.push(Date.parse(report.time), Date.parse(lastTime(report)));
			}
			return before.count === 0 ? { count: 0 } : { count: before.count, first: Math.min(...before.times), last: Math.max(...before.times) };
		},

		[Symbol.dispose]: () => cluster[Symbol.dispose](),
	};
}

const lastTime = ({ time, repeats }: CrashReport) => repeats?.lastTime ?? time;

const byTime = (one: CrashReport, other: CrashReport) => (lastTime(other) < lastTime(one) ? -1 : lastTime(other) > lastTime(one) ? 1 : 0);
