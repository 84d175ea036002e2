import { isatty } from 'node:tty';
import { type Command, Option } from 'commander';
import { type OnCluster, podTable, runAgent } from '../agent/agent.ts';
import { connect } from '../drivers/kubernetes/kubernetes.ts';
import { createLog } from '../telemetry/log.ts';
import { createTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { patternCheck } from './doctor/doctor.ts';
import { type ClusterOptions, nodeName, withCluster } from './on-cluster.ts';
import { isColoured } from './output.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { version } from './version.ts';

type Options = SettingsOptions & ClusterOptions & { readonly logFormat?: 'json' | 'text' };

export function agentCommand(program: Command): void {
	withCluster(withConfig(program.command('agent')), 'work on')
		.description('run the agent: find, analyse and store core dumps until it is stopped')
		.addOption(
			new Option('--log-format <format>', 'how log lines are written (default: text on a terminal, else json)').choices(['json', 'text']),
		)
		.action(run);
}

async function run(options: Options): Promise<void> {
	surviveHangup();
	const { config, mode, warnings, source } = await loadSettings(options);
	const format = options.logFormat ?? (process.stdout.isTTY ? 'text' : 'json');
	const log = await createLog({ level: config.log.level, format, isColoured: isColoured(process.stdout) });
	const telemetry = createTelemetry(log, { isInCluster: mode === 'node' });
	for (const warning of warnings) telemetry.configWarning(warning);
	const pattern = await patternCheck(config, mode === 'node');
	if (pattern.state !== 'ok') telemetry.configWarning(`${pattern.subject} ${pattern.finding} (${pattern.todo})`);
	const stop = new AbortController();
	for (const signal of ['SIGTERM', 'SIGINT'] as const) {
		process.on(signal, () => {
			if (stop.signal.aborted) return;
			telemetry.agentStopping(signal);
			stop.abort();
		});
	}
	const onCluster = mode === 'node' ? await joinCluster(options, telemetry) : undefined;
	await runAgent({ config, source: { file: source, load: () => loadSettings(options) }, mode, onCluster, version, telemetry }, stop.signal);
	process.exit(0); // work that did not heed the signal may still hold the process
}

async function joinCluster(options: Options, telemetry: Telemetry): Promise<OnCluster> {
	const cluster = await connect({ kubeconfig: options.kubeconfig, onRequest: telemetry.clusterAsked });
	return { cluster, node: nodeName(options), pods: podTable(), journald: { isExpected: true } };
}

/** SIGHUP asks for the configuration to be read again, at any time; but when it comes because the terminal is gone, the agent ends as usual. */
function surviveHangup(): void {
	const terminals = [0, 1, 2].filter(isatty);
	process.on('SIGHUP', () => {
		if (terminals.every(isatty)) return;
		process.removeAllListeners('SIGHUP');
		process.kill(process.pid, 'SIGHUP');
	});
}
