import { type Command, InvalidArgumentError } from 'commander';
import { printable } from '../base/printable.ts';
import { readJournal } from '../journal/journal.ts';
import { groupList, reportList, table } from '../report/report.ts';
import { paintFor, writeJson } from './output.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

type Options = SettingsOptions & {
	readonly json?: boolean;
	readonly group?: boolean;
	readonly rejected?: boolean;
	readonly number: number;
};

export function listCommand(program: Command): void {
	withConfig(program.command('list'))
		.description('list the crashes that the agent knows, the newest first')
		.option('-n, --number <count>', 'at most so many', count, 50)
		.option('--json', 'print the reports as a JSON array')
		.option('--group', 'put crashes of the same bug together: how many, on how many hosts, since when')
		.option('--rejected', 'list instead the work that was given up, with the reason')
		.action(run);
}

async function run(options: Options): Promise<void> {
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
	const look = { paint: paintFor(process.stdout), now: Date.now() };
	if (options.group) {
		const groups = journal.groups(options.number);
		if (options.json) return void writeJson(groups);
		return void process.stdout.write(groups.length === 0 ? none : groupList(groups, look));
	}
	const reports = [...journal.reports(options.number)];
	if (options.json) return void writeJson(reports);
	process.stdout.write(reports.length === 0 ? none : reportList(reports, look));
}

const none = 'no crashes yet\n';

function count(text: string): number {
	const value = Number(text);
	if (Number.isInteger(value) && value > 0) return value;
	throw new InvalidArgumentError('It must be a whole number above 0.');
}
