import { type Command, Option } from 'commander';
import { printable } from '../base/printable.ts';
import type { Group } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import { readJournal } from '../journal/journal.ts';
import { groupList, reportList, table } from '../report/report.ts';
import { areOfCluster, clusterReports, type ReportsOptions, withReports } from './cluster-reports.ts';
import { wholeNumber } from './number.ts';
import { paintFor, writeJson } from './output.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

type Options = SettingsOptions &
	ReportsOptions & {
		readonly json?: boolean;
		readonly group?: boolean;
		readonly rejected?: boolean;
		readonly number: number;
	};

export function listCommand(program: Command): void {
	withReports(withConfig(program.command('list')))
		.description('list the crashes that the agent knows, the newest first: those of this machine, or of a cluster')
		.option('-n, --number <count>', 'how many at most', wholeNumber, 50)
		.option('--json', 'print the reports as a JSON array')
		.option('--group', 'one line for each bug: how many crashes, in how many instances or on how many hosts, since when')
		.addOption(
			new Option('--rejected', 'list instead the work that the agent of this machine has given up, with the reason').conflicts([
				'kubeconfig',
				'namespace',
			]),
		)
		.action(run);
}

async function run(options: Options): Promise<void> {
	if (!options.rejected && areOfCluster(options)) return listCluster(options);
	const { config } = await loadSettings(options);
	using journal = readJournal(config.journal.path);
	if (options.rejected) {
		const rejections = journal.rejections();
		if (options.json) return void writeJson(rejections);
		const rows = rejections.map(({ key, stage, at, reason }) => [key, stage, new Date(at).toISOString(), printable(reason)]);
		return void process.stdout.write(
			rows.length === 0 ? 'nothing was given up\n' : `${table([['ID', 'STAGE', 'TIME', 'REASON'], ...rows]).join('\n')}\n`,
		);
	}
	if (options.group) return writeGroups(journal.groups(options.number), options);
	writeReports([...journal.reports(options.number)], options);
}

async function listCluster(options: Options): Promise<void> {
	using reports = await clusterReports(options);
	if (options.group) writeGroups(await reports.groups(options.number), options);
	else writeReports(await reports.newest(options.number), options);
}

function writeGroups(groups: readonly Group[], { json }: Options): void {
	if (json) writeJson(groups);
	else process.stdout.write(groups.length === 0 ? noGroups : groupList(groups, look()));
}

function writeReports(reports: readonly CrashReport[], { json }: Options): void {
	if (json) writeJson(reports);
	else process.stdout.write(reports.length === 0 ? none : reportList(reports, look()));
}

const look = () => ({ paint: paintFor(process.stdout), now: Date.now() });

const none = 'no crashes yet\n';
const noGroups = 'no crash with a fingerprint yet: without a stack there is none; `list` shows all crashes\n';
