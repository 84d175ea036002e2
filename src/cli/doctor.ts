import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Paint } from '../report/report.ts';
import { allChecks, type Check } from './checks.ts';
import { exitCodes } from './errors.ts';
import { paintFor } from './output.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

export function doctorCommand(program: Command): void {
	withConfig(program.command('doctor'))
		.description('check this machine and the configuration: what works, what does not, and what to do about it')
		.action(run);
}

async function run(options: SettingsOptions): Promise<void> {
	const { config, mode, source, warnings } = await loadSettings(options);
	const paint = paintFor(process.stdout);
	const configured: Check[] = [
		{ state: 'ok', subject: 'configuration', finding: source ?? `the defaults (${mode})` },
		...warnings.map((finding): Check => ({ state: 'warning', subject: 'configuration', finding, todo: '' })),
	];
	const checks = [...configured, ...(await checked(config))];
	for (const check of checks) process.stdout.write(`${line(check, paint)}\n`);
	if (checks.some(({ state }) => state === 'error')) process.exitCode = exitCodes.failed;
}

async function checked(config: Config): Promise<Check[]> {
	using progress = createProgress();
	progress.step('checking');
	return await allChecks(config);
}

function line({ state, subject, finding, todo }: Check, paint: Paint): string {
	const colour = { ok: 'green', warning: 'yellow', error: 'red' } as const;
	return `${paint(colour[state], state.padEnd(8))} ${paint('bold', subject)}: ${finding}${todo ? `\n         → ${todo}` : ''}`;
}
