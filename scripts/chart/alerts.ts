import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const file = 'charts/milvus-coredump-agent/files/alerts.yaml';

type Alert = {
	readonly alert: string;
	readonly for?: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly summary: string };
};

/** The page on the alerts, made from themselves. */
export function alertsReference(): string {
	const { groups } = parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8')) as { groups: { rules: Alert[] }[] };
	const alerts = groups.flatMap(({ rules }) => rules);
	return [
		'# Alerts',
		'',
		`<!-- Made by \`npm run docs\` from ${file}. -->`,
		'',
		'Alerts for Prometheus, with the chart:',
		'',
		'```sh',
		'helm upgrade milvus-coredump-agent charts/milvus-coredump-agent --namespace milvus-coredump-agent --reset-then-reuse-values \\',
		'  --set podMonitor.enabled=true --set prometheusRule.enabled=true',
		'```',
		'',
		'Both take the Prometheus operator; where it looks only for objects with a label of its own, `podMonitor.labels` and `prometheusRule.labels` give them that. Without it, have Prometheus ask each pod for `/metrics`, with the labels `namespace` and `pod`, and name the file among its `rule_files`.',
		'',
		'| alert | severity | says |',
		'| --- | --- | --- |',
		...alerts.map(({ alert, labels, annotations, ...rest }) => {
			const after = rest.for === undefined ? '' : ` (after ${rest.for})`;
			return `| ${alert} | ${labels.severity} | ${annotations.summary.replace('{{ $labels.component }}', '*component*')}${after} |`;
		}),
		'',
		'Each says in its description which `kubectl` commands tell more. They count, and name no instance: the InstanceCleanups do (`kubectl get instancecleanups -A`), and the Events of what crashes. For phase `Recovered` there is no alert: the others end.',
		'',
		'- `info` asks nobody to do anything: send it where the owners of Milvus read, or nowhere.',
		'- MilvusCleanupFailed lasts until the removal has come to its end, or somebody deletes the InstanceCleanup. What was saved stays: `milvus-coredump-agent restore`.',
		'- MilvusCleanupStorm lasts as long as more than three have begun within the last hour; what the storm holds back after that is told by MilvusCleanupVetoed.',
		'- A removal that takes less time than Prometheus needs to ask twice is told only when it is done.',
		'- While no agent leads, or its cleaner is not ready, there may be no alerts about instances. MilvusCoredumpAgentWithoutLeader and MilvusCleanerNotReady say so.',
		'',
	].join('\n');
}
