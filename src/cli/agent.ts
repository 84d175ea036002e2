import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import { type Command, Option } from 'commander';
import { type Job, type Mode, podTable, runAgent } from '../agent/agent.ts';
import { connect } from '../drivers/kubernetes/kubernetes.ts';
import { createLog } from '../telemetry/log.ts';
import { createTelemetry, type Purpose, type Telemetry } from '../telemetry/telemetry.ts';
import { patternCheck } from './doctor/doctor.ts';
import { type ClusterOptions, nodeName, ownNamespace, purposeOf, type RoleOptions, withCluster, withRole } from './on-cluster.ts';
import { isColoured } from './output.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { version } from './version.ts';

type Options = SettingsOptions & ClusterOptions & RoleOptions & { readonly logFormat?: 'json' | 'text' };

export function agentCommand(program: Command): void {
	withRole(withCluster(withConfig(program.command('agent')), 'work on'), 'what to do in a cluster')
		.description('run the agent: find, analyse and store core dumps until it is stopped')
		.addOption(
			new Option('--log-format <format>', 'how log lines are written (default: text on a terminal, else json)').choices(['json', 'text']),
		)
		.action(run);
}

async function run(options: Options): Promise<void> {
	surviveHangup();
	const { config, mode, warnings, source } = await loadSettings(options);
	const purpose = purposeOf(options, mode);
	const format = options.logFormat ?? (process.stdout.isTTY ? 'text' : 'json');
	const log = await createLog({ level: config.log.level, format, isColoured: isColoured(process.stdout) });
	const telemetry = createTelemetry(log, purpose);
	for (const warning of warnings) telemetry.configWarning(warning);
	const pattern = purpose === 'controller' ? undefined : await patternCheck(config, mode === 'node');
	if (pattern && pattern.state !== 'ok') telemetry.configWarning(`${pattern.subject} ${pattern.finding} (${pattern.todo})`);
	const stop = new AbortController();
	for (const signal of ['SIGTERM', 'SIGINT'] as const) {
		process.on(signal, () => {
			if (stop.signal.aborted) return;
			telemetry.agentStopping(signal);
			stop.abort();
		});
	}
	const job = await jobOf(purpose, mode, options, telemetry);
	await runAgent({ config, source: { file: source, load: () => loadSettings(options) }, job, version, telemetry }, stop.signal);
	process.exit(0); // work that did not heed the signal may still hold the process
}

async function jobOf(purpose: Purpose, mode: Mode, options: Options, telemetry: Telemetry): Promise<Job> {
	if (purpose === 'standalone') return { mode, node: { onCluster: undefined } };
	const cluster = await connect({ kubeconfig: options.kubeconfig, onRequest: telemetry.clusterAsked });
	const namespace = ownNamespace(cluster);
	const onCluster = { cluster, namespace, node: nodeName(options), pods: podTable(), journald: { isExpected: true } };
	return {
		mode,
		node: purpose === 'controller' ? undefined : { onCluster },
		controller: purpose === 'node' ? undefined : { cluster, namespace, identity: identity() },
	};
}

/** A container that is started again in its pod is another one: whether the one before it is gone is not for it to know. */
const identity = () => `${process.env.POD_NAME || hostname()}_${randomBytes(4).toString('hex')}`;

/** SIGHUP asks for the configuration to be read again, at any time; but when it comes because the terminal is gone, the agent ends as usual. */
function surviveHangup(): void {
	const terminals = [0, 1, 2].filter(isatty);
	process.on('SIGHUP', () => {
		if (terminals.every(isatty)) return;
		process.removeAllListeners('SIGHUP');
		process.kill(process.pid, 'SIGHUP');
	});
}
