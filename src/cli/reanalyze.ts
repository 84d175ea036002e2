import type { Command } from 'commander';
import { askAnew, joinAgent } from '../agent/agent.ts';
import { printable } from '../base/printable.ts';
import type { Config } from '../config/config.ts';
import type { CrashReport } from '../domain/report.ts';
import { isKept } from '../domain/stored-file.ts';
import { isOriginalThere } from '../drivers/original/original.ts';
import { type JournalGuest, JournalUnavailable, type JournalView } from '../journal/journal.ts';
import { headline } from '../report/report.ts';
import { areOfCluster, clusterReports, type ReportsOptions, withReports } from './cluster-reports.ts';
import { exitCodes, FailedError, UserError } from './errors.ts';
import { interruptible } from './interruption.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { findReport } from './show.ts';
import { type Wanted, waitForAll } from './wait-for-analysis.ts';
import { whatChanged } from './what-changed.ts';
import { whereToRun } from './where-to-run.ts';

type Options = SettingsOptions & ReportsOptions & { readonly group?: string; readonly model?: string; readonly wait: boolean };

export function reanalyzeCommand(program: Command): void {
	withReports(withConfig(program.command('reanalyze')))
		.description(
			'have the agent of this machine analyse crashes once more, by the rules and known issues that it has now, or ask a model anew: a new revision of the report; what was found out before stays (`show --revision`)',
		)
		.argument('[id...]', 'as `list` gives it, or its first characters')
		.option('--group <fingerprint>', 'all crashes of this bug that the journal knows')
		.option('--model <name>', 'leave the analysis as it is, and ask this language model for its opinion')
		.option('--no-wait', 'do not wait until it is done')
		.action(run);
}

async function run(ids: readonly string[], options: Options): Promise<void> {
	const { group, model, wait } = options;
	if (ids.length === 0 && group === undefined)
		throw new UserError('give the id of a crash, or --group with a fingerprint; `list` shows them');
	if (ids.length > 0 && group !== undefined) throw new UserError('give the ids of crashes, or --group, but not both');
	if (areOfCluster(options)) throw await onItsNode(ids, options);
	const { config } = await loadSettings(options);
	if (model !== undefined && !config.aiAnalysis.enabled)
		throw new UserError('no model is asked here: set aiAnalysis.enabled, and the provider that has the model');
	process.umask(0o077);
	using guest = joinAgent(config.journal.path);
	const wanted = [...new Set(group === undefined ? ids.map((id) => findReport(guest.view, id).id) : crashesOf(guest.view, group))];
	const { asked, refused } = await askAll(guest, wanted, model);
	if (group !== undefined) process.stdout.write(inTotal(group, asked.length, refused.length));
	for (const { id, reason } of refused) process.stderr.write(`milvus-coredump-agent: crash ${id}: ${printable(reason)}\n`);
	if (refused.length > 0) process.exitCode = asked.length > 0 ? exitCodes.failed : exitCodes.usage;
	if (asked.length === 0) return;
	const isDone = wait && (await interruptible(({ signal }) => waitForAll(guest, asked, signal)));
	for (const one of asked)
		process.stdout.write(isDone ? resultOf(guest.view, one, model) : `${one.id}  revision ${one.revision} is asked for\n`);
	if (!guest.isOwned()) process.stdout.write(noAgent(config));
}

const noAgent = ({ journal: { path } }: Config) => `no agent runs with the journal ${printable(path)}: it is done as soon as one does\n`;

async function askAll(guest: JournalGuest, ids: readonly string[], model: string | undefined) {
	const asked: Wanted[] = [];
	const refused: { readonly id: string; readonly reason: string }[] = [];
	for (const id of ids) {
		const gone = model === undefined ? await lossOf(guest.view.report(id)) : undefined;
		const answer = gone === undefined ? ask(guest, id, model) : ({ is: 'refused', reason: gone } as const);
		if (answer.is === 'asked') asked.push({ id, ...answer });
		else refused.push({ id, reason: answer.reason });
	}
	return { asked, refused };
}

function ask(guest: JournalGuest, id: string, model: string | undefined) {
	try {
		return askAnew(guest, id, model);
	} catch (error) {
		throw error instanceof JournalUnavailable ? new FailedError(error.message, { cause: error }) : error;
	}
}

/** Why there is nothing left to look into, where that is plain; what this user may not see, the agent may. */
async function lossOf(report: CrashReport | undefined): Promise<string | undefined> {
	if (!report?.core || !report.storage || isKept(report.storage)) return undefined;
	if (await isOriginalThere(report.core).catch(() => true)) return undefined;
	return `its core is gone from ${report.core.path}, and is not stored: ${report.storage.reason}; a model can be asked all the same (--model)`;
}

function crashesOf(view: JournalView, fingerprint: string): string[] {
	const ids = view.idsOf(fingerprint);
	if (ids.length === 0)
		throw new UserError(
			`no crash has the fingerprint ${printable(fingerprint)}: \`milvus-coredump-agent list --group --json\` shows those there are`,
		);
	return ids;
}

function inTotal(group: string, asked: number, refused: number): string {
	const all = asked + refused;
	const left = refused === 0 ? '' : `, ${refused} can not be`;
	return `${all} ${all === 1 ? 'crash has' : 'crashes have'} the fingerprint ${printable(group)}: ${asked} to be done anew${left}\n`;
}

/** What is different now, or why it is not. */
function resultOf(view: JournalView, { id, revision, before }: Wanted, model: string | undefined): string {
	const after = view.report(id) ?? before;
	const changes = whatChanged(before, after);
	const width = Math.max(...changes.map(({ what }) => what.length));
	const told = changes.map((change) => `  ${change.what.padEnd(width)}  ${printable(change.before)} → ${printable(change.after)}\n`);
	const problem = problemOf(view, id, revision, model);
	if (problem !== undefined) process.exitCode = exitCodes.failed;
	const outcome = problem ?? (told.length === 0 ? 'nothing changed' : 'changed:');
	return `${id}  ${headline(after)}\n  revision ${revision}: ${outcome}\n${told.join('')}`;
}

/** Why what was asked for did not come. */
function problemOf(view: JournalView, id: string, revision: number, model: string | undefined): string | undefined {
	const [reason] = view.givenUp(id, revision)?.split('\n') ?? [];
	if (reason !== undefined) return `given up by ${printable(reason)}`;
	const opinion = model === undefined ? undefined : view.opinionOn(id, revision);
	return opinion?.is === 'not available' ? `no opinion: ${printable(opinion.reason)}` : undefined;
}

/** The journals of a cluster are on its nodes. */
async function onItsNode(ids: readonly string[], { group, model, ...options }: Options): Promise<UserError> {
	const args = model === undefined ? [] : ['--model', model];
	if (group !== undefined) return new UserError(whereToRun([], ['--group', group, ...args]));
	using reports = await clusterReports(options);
	const meant: CrashReport[] = [];
	for (const id of ids) meant.push(await reports.find(id));
	const nodes = meant.map(({ association }) => association.node).filter((node) => node !== undefined);
	return new UserError(whereToRun(nodes, [...meant.map(({ id }) => id), ...args]));
}
