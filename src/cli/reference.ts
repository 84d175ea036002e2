import type { Command } from 'commander';
import { exitCodes } from './errors.ts';

/** What `doctor` checks, by where it looks. */
const lookedAt = {
	'the machine': 'kernel.core_pattern and where cores go by it, the limit of core files, the folder of the cores',
	'systemd-coredump, if it takes the cores':
		'kernel.core_pipe_limit and the connections of its socket (how many crashes at once), Storage=, ProcessSizeMax=, ExternalSizeMax= and RuntimeMaxSec= (how large a core), MaxUse= and KeepFree= with the space that is free now (how long a core stays). They are weighed against the memory limits of the Milvus pods on the node where these are known, else against 8 GB',
	"the machine's journal (journald)": 'whether it can be read, and which cores it tells were lost in the last 24 h, by cause',
	'the programs': 'gdb, zstd or gzip, lz4, xz, getfattr, c++filt',
	"the agent's own places": 'scratch folder, store, journal; the debuginfod server, if one is set',
	'the cluster, if there is one':
		'the API server and as whom it is asked, each right that the agent needs, the CustomResourceDefinition of CrashReports, the node, the Milvus pods on it, the folder of pod logs; where the kernel writes cores itself, whether the pods mount that folder',
	'what a controller needs (`--role controller`)':
		'API server, rights and CustomResourceDefinition, and nothing of the machine; `--role both` looks at all',
};

/** The page on the command line, made from the help of each command. */
export function commandLineReference(program: Command): string {
	const codes = {
		ok: 'done',
		failed: 'failed; also where `doctor` found an error, `verify` something wrong, or `import` a core that it could not bring in',
		usage: 'wrong use: arguments, a file that is missing or not a core, the configuration',
	};
	return [
		'# Command line',
		'',
		'<!-- Made by `npm run docs` from src/cli. -->',
		'',
		'In a checkout the program is `bin/milvus-coredump-agent`.',
		'',
		...leaves(program).flatMap((command) => ['```', help(command), '```', '']),
		'## What doctor looks at',
		'',
		'A line for each thing: `ok`, `warning` (cores or reports may be lost) or `error` (they are), with what to do. Nothing is changed.',
		'',
		'| where | what |',
		'| --- | --- |',
		...Object.entries(lookedAt).map(([where, what]) => `| ${where} | ${what} |`),
		'',
		'## Completion',
		'',
		'In `~/.bashrc` or, after `compinit`, in `~/.zshrc` (with `zsh`): `source <(milvus-coredump-agent completion bash)`. In `~/.config/fish/config.fish`: `milvus-coredump-agent completion fish | source`. The program must be in `PATH`, or be called by its path. At each Tab the script asks the program itself, so that it also fits a later version.',
		'',
		'## Exit codes',
		'',
		'| code | meaning |',
		'| --- | --- |',
		...Object.entries(codes).map(([name, meaning]) => `| ${exitCodes[name as keyof typeof codes]} | ${meaning} |`),
		'| 128 + n | ended by signal n: 130 by Ctrl-C, 143 by SIGTERM, 129 when the terminal is closed; nothing is left behind but the part of a core from which `fetch` goes on |',
		'',
		'`agent` stops in order at SIGINT and SIGTERM, and ends with 0.',
		'',
		'Errors are one line on standard error. Colours and progress are shown on terminals only; `NO_COLOR` switches colours off.',
		'',
	].join('\n');
}

/** The commands that do something, without those for programs. */
function leaves(command: Command): Command[] {
	const inner = command.commands.filter((one) => command.createHelp().visibleCommands(command).includes(one));
	return inner.length === 0 ? [command] : inner.flatMap(leaves);
}

function help(command: Command): string {
	command.configureHelp({ helpWidth: 120 });
	return command.helpInformation().trimEnd();
}
