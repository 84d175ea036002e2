import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import type { CrashReport } from '../domain/report.ts';
import { type JournalView, readJournal } from '../journal/journal.ts';
import { areOfCluster, clusterReports, type ReportsOptions, withReports } from './cluster-reports.ts';
import { UserError } from './errors.ts';
import { wholeNumber } from './number.ts';
import { type ReportForm, withForm, writeReport } from './output.ts';
import { type PromptOptions, withPrompt, writePrompt } from './prompt.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

type Options = SettingsOptions & ReportsOptions & ReportForm & PromptOptions & { readonly revision?: number };

export function showCommand(program: Command): void {
	withPrompt(withForm(withReports(withConfig(program.command('show')))))
		.description('show all that is known of one crash')
		.argument('<id>', 'as `list` gives it, or its first characters')
		.option(
			'--revision <number>',
			'the report as it was then, before `reanalyze` or what became known later (default: as it is now)',
			wholeNumber,
		)
		.action(run);
}

async function run(id: string, options: Options): Promise<void> {
	const { revision } = options;
	if (areOfCluster(options)) {
		if (revision !== undefined)
			throw new UserError('a cluster has the newest revision of a report only: earlier ones are in the journal of its node');
		return showOfCluster(id, options);
	}
	const { config } = await loadSettings(options);
	using journal = readJournal(config.journal.path);
	const newest = findReport(journal, id);
	const report = revision === undefined ? newest : reportAt(journal, newest, revision);
	if (options.showPrompt) return writePrompt(report, options);
	const earlier = report.fingerprint === null ? undefined : journal.earlier(report.fingerprint, Date.parse(report.time));
	writeReport(report, options, earlier);
	if (options.json || options.markdown || report.revision !== newest.revision) return;
	for (const { stage, reason } of journal.delays(report.id))
		process.stdout.write(`\n${stage === 'opinion' ? 'AI analysis:' : stage} waits, and tries again: ${printable(reason)}\n`);
}

function reportAt(journal: JournalView, { id, revision: newest }: CrashReport, revision: number): CrashReport {
	const found = journal.reportAt(id, revision);
	switch (found?.is) {
		case 'report':
			return found.report;
		case 'forgotten':
			throw new UserError(
				`revision ${revision} of crash ${id} is forgotten: the journal keeps the past for 90 days; the newest is ${newest}`,
			);
		case 'never':
		case undefined:
			throw new UserError(`crash ${id} has no revision ${revision}: the newest is ${newest}`);
		default:
			return found satisfies never;
	}
}

async function showOfCluster(id: string, options: Options): Promise<void> {
	using reports = await clusterReports(options);
	const report = await reports.find(id);
	if (options.showPrompt)
		throw new UserError(
			'the cluster has a shortened report only: --show-prompt needs the journal, in the agent of the node where it crashed',
		);
	writeReport(report, options, await reports.earlier(report));
}

/** The report whose id starts so. */
export function findReport(journal: JournalView, start: string): CrashReport {
	const hint = '`milvus-coredump-agent list` shows those there are';
	if (start === '') throw new UserError(`the id is empty: ${hint}`);
	const ids = /^[0-9a-f]+$/i.test(start) ? journal.idsLike(start.toLowerCase()) : [];
	const [id] = ids;
	if (id === undefined) throw new UserError(`no crash has the id ${printable(start)}: ${hint}`);
	if (ids.length > 1) throw new UserError(`the id ${start} fits ${ids.length} crashes: ${ids.join(', ')}`);
	return journal.report(id) as CrashReport;
}
