import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { Paint } from '../../report/report.ts';
import { exitCodes } from '../errors.ts';
import { type ClusterOptions, withCluster } from '../on-cluster.ts';
import { paintFor } from '../output.ts';
import { createProgress } from '../progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from '../settings.ts';
import type { Check } from './check.ts';
import { allChecks } from './checks.ts';

export { patternCheck } from './pattern.ts';

export function doctorCommand(program: Command): void {
	withCluster(withConfig(program.command('doctor')), 'check also')
		.description('check this machine and the configuration: what works, what does not, and what to do about it')
		.action(run);
}

async function run(options: SettingsOptions & ClusterOptions): Promise<void> {
	const { config, mode, source, warnings } = await loadSettings(options);
	const paint = paintFor(process.stdout);
	const configured: Check[] = [
		{ state: 'ok', subject: 'configuration', finding: source ?? `the defaults (${mode})` },
		...warnings.map((finding): Check => ({ state: 'warning', subject: 'configuration', finding, todo: '' })),
	];
	const checks = [...configured, ...(await checked(config, mode === 'node' ? options : undefined))];
	for (const check of checks) process.stdout.write(`${line(check, paint)}\n`);
	if (checks.some(({ state }) => state === 'error')) process.exitCode = exitCodes.failed;
}

async function checked(config: Config, onCluster: ClusterOptions | undefined): Promise<Check[]> {
	using progress = createProgress();
	progress.step('checking');
	return await allChecks(config, onCluster);
}

function line({ state, subject, finding, todo }: Check, paint: Paint): string {
	const colour = { ok: 'green', warning: 'yellow', error: 'red' } as const;
	return `${paint(colour[state], state.padEnd(8))} ${paint('bold', subject)}: ${finding}${todo ? `\n         → ${todo}` : ''}`;
}
