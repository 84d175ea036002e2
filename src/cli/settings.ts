import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Mode } from '../agent/agent.ts';
import { defined } from '../base/defined.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { corePattern } from '../drivers/host/host.ts';
import { type CoreDestination, coreDestination } from '../readers/corepattern/corepattern.ts';
import { UserError } from './errors.ts';

export type SettingsOptions = { readonly config?: string; readonly standalone?: boolean; readonly kubeconfig?: string };

export type Settings = {
	readonly config: Config;
	readonly mode: Mode;
	readonly warnings: readonly string[];
	/** The file that was read, if any. */
	readonly source: string | undefined;
};

const environmentVariable = 'MILVUS_COREDUMP_AGENT_CONFIG';

/** The options by which a command finds the configuration. */
export const withConfig = (command: Command): Command =>
	command
		.option('-c, --config <file>', `configuration file (default: $${environmentVariable}, else the defaults)`)
		.option('--standalone', 'use the defaults for a single machine, also in a pod');

/** The configuration in force: a file, or the defaults of the mode. */
export async function loadSettings({ config: file, standalone, kubeconfig }: SettingsOptions): Promise<Settings> {
	const isInCluster = process.env.KUBERNETES_SERVICE_HOST !== undefined || kubeconfig !== undefined;
	const mode: Mode = standalone || !isInCluster ? 'standalone' : 'node';
	if (file === '') throw new UserError('the name of the configuration is empty');
	const fromEnvironment = process.env[environmentVariable] || undefined;
	const { config, warnings, source } = loadConfig({
		...defined({ file: file ?? fromEnvironment, namedBy: file === undefined ? `$${environmentVariable}` : undefined }),
		mode,
		paths: { stateHome: stateHome(), corePatternDirectory: folderOf(coreDestination((await corePattern()) ?? '')) },
	});
	return { config, mode, warnings, source };
}

/** Where a user's programs keep what is neither configuration nor cache: XDG base directory specification. */
const stateHome = () => join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'milvus-coredump-agent');

/** Where they keep what can be had again. */
export const cacheHome = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'milvus-coredump-agent');

/** Where cores are found by default. */
function folderOf(destination: CoreDestination): string {
	switch (destination.is) {
		case 'folder':
		case 'folders':
		case 'systemd-coredump':
			return destination.path;
		case 'working directory':
		case 'program':
		case 'socket':
		case 'nowhere':
			return process.cwd();
		default:
			return destination satisfies never;
	}
}
