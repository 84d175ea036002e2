import type { Command } from 'commander';
import { loadKnownIssues } from '../components/analyzer/analyzer.ts';
import { shownConfig } from '../config/config.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

export function configCommand(program: Command): void {
	const config = program.command('config').description('check or show the configuration');
	withConfig(config.command('check'))
		.description('say whether a configuration is right, with the line of each mistake')
		.argument('[file]', 'instead of --config')
		.action(check);
	withConfig(config.command('show')).description('print the configuration in force, with all defaults; secrets are masked').action(show);
}

async function check(file: string | undefined, options: SettingsOptions): Promise<void> {
	const { source, warnings, config } = await loadSettings(file === undefined ? options : { ...options, config: file });
	loadKnownIssues(config.analyzer.knownIssues); // a broken one is told, too
	for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
	process.stdout.write(`${source ?? 'the defaults'}: ok\n`);
}

async function show(options: SettingsOptions): Promise<void> {
	const { config, warnings } = await loadSettings(options);
	for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
	process.stdout.write(shownConfig(config));
}
