import { type Command, Option } from 'commander';
import type { Earlier } from '../domain/history.ts';
import type { CrashReport } from '../domain/report.ts';
import { colours, type Paint, plain, reportMarkdown, reportText } from '../report/report.ts';

/** Colours where they are seen: on a terminal, unless NO_COLOR says otherwise. */
export const isColoured = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && !process.env.NO_COLOR;

export const paintFor = (stream: NodeJS.WriteStream): Paint => (isColoured(stream) ? colours : plain);

export const writeJson = (value: unknown) => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

export type ReportForm = { readonly json?: boolean; readonly markdown?: boolean };

/** The options by which a command is told how to print a report. */
export const withForm = (command: Command): Command =>
	command
		.option('--json', 'print the whole report as JSON')
		.addOption(new Option('--markdown', 'print it as Markdown, ready for an issue').conflicts('json'));

export function writeReport(report: CrashReport, { json, markdown }: ReportForm, earlier?: Earlier): void {
	const options = { now: Date.now(), earlier };
	if (json) writeJson(report);
	else if (markdown) process.stdout.write(reportMarkdown(report, options));
	else process.stdout.write(reportText(report, { ...options, paint: paintFor(process.stdout) }));
}
