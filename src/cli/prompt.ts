import type { Command } from 'commander';
import { requestAbout } from '../agent/agent.ts';
import type { CrashReport } from '../domain/report.ts';
import { writeJson } from './output.ts';
import { loadSettings, type SettingsOptions } from './settings.ts';

/** The option by which a command prints what a model would be asked about a crash. */
export const withPrompt = (command: Command): Command =>
	command.option(
		'--show-prompt',
		'print what would be sent to a language model (aiAnalysis), and send nothing; with --json its exact body',
	);

export type PromptOptions = { readonly showPrompt?: boolean };

/** Prints what the agent would send about a crash, with the configuration in force, be it switched on or not. */
export async function writePrompt(
	report: CrashReport,
	{ json, ...settings }: SettingsOptions & { readonly json?: boolean },
): Promise<void> {
	const { config } = await loadSettings(settings);
	const { address, body } = requestAbout(report, config.aiAnalysis);
	if (json) return void writeJson(body);
	const { model, messages, ...parameters } = body;
	const where = address ?? 'an address that aiAnalysis.baseURL has to name';
	process.stdout.write(`${[`to ${where}, model ${model}`, `parameters ${JSON.stringify(parameters)}`].join('\n')}\n`);
	for (const { role, content } of messages) process.stdout.write(`\n----- ${role} -----\n${content}\n`);
}
