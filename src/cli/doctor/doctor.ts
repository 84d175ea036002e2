import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { Paint } from '../../report/report.ts';
import { exitCodes } from '../errors.ts';
import { type ClusterOptions, purposeOf, type RoleOptions, withCluster, withRole } from '../on-cluster.ts';
import { paintFor } from '../output.ts';
import { createProgress } from '../progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from '../settings.ts';
import type { Check } from './check.ts';
import { allChecks, type InCluster } from './checks.ts';

export { patternCheck } from './pattern.ts';

export function doctorCommand(program: Command): void {
	withRole(withCluster(withConfig(program.command('doctor')), 'check also'), 'what the agent is to do in the cluster')
		.description('check this machine and the configuration: what works, what does not, and what to do about it')
		.action(run);
}

async function run(options: SettingsOptions & ClusterOptions & RoleOptions): Promise<void> {
	const { config, mode, source, warnings } = await loadSettings(options);
	const purpose = purposeOf(options, mode);
	const paint = paintFor(process.stdout);
	const configured: Check[] = [
		{ state: 'ok', subject: 'configuration', finding: source ?? `the defaults (${mode})` },
		...warnings.map((finding): Check => ({ state: 'warning', subject: 'configuration', finding, todo: '' })),
	];
	const checks = [...configured, ...(await checked(config, purpose === 'standalone' ? undefined : { ...options, role: purpose }))];
	for (const check of checks) process.stdout.write(`${line(check, paint)}\n`);
	if (checks.some(({ state }) => state === 'error')) process.exitCode = exitCodes.failed;
}

async function checked(config: Config, onCluster: InCluster | undefined): Promise<Check[]> {
	using progress = createProgress();
	progress.step('checking');
	return await allChecks(config, onCluster);
}

function line({ state, subject, finding, todo }: Check, paint: Paint): string {
	const colour = { ok: 'green', warning: 'yellow', error: 'red' } as const;
	return `${paint(colour[state], state.padEnd(8))} ${paint('bold', subject)}: ${finding}${todo ? `\n         → ${todo}` : ''}`;
}
