import type { Command } from 'commander';
import { exitCodes } from './errors.ts';

/** The page on the command line, made from the help of each command. */
export function commandLineReference(program: Command): string {
	const codes = {
		ok: 'done',
		failed: 'failed, or `doctor` found an error',
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
		'## Completion',
		'',
		'In `~/.bashrc` or, after `compinit`, in `~/.zshrc` (with `zsh`): `source <(milvus-coredump-agent completion bash)`. In `~/.config/fish/config.fish`: `milvus-coredump-agent completion fish | source`. The program must be in `PATH`, or be called by its path. At each Tab the script asks the program itself, so that it also fits a later version.',
		'',
		'## Exit codes',
		'',
		'| code | meaning |',
		'| --- | --- |',
		...Object.entries(codes).map(([name, meaning]) => `| ${exitCodes[name as keyof typeof codes]} | ${meaning} |`),
		'| 128 + n | ended by signal n: 130 by Ctrl-C, 143 by SIGTERM, 129 when the terminal is closed; nothing is left behind |',
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
