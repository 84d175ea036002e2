import { Command } from 'commander';
import { agentCommand } from './agent.ts';
import { analyzeCommand } from './analyze.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { crashTestCommand } from './crash-test.ts';
import { doctorCommand } from './doctor/doctor.ts';
import { fetchCommand } from './fetch.ts';
import { gdbCommand } from './gdb.ts';
import { importCommand } from './import.ts';
import { instancesCommand } from './instances.ts';
import { listCommand } from './list.ts';
import { pinCommand, unpinCommand } from './pin.ts';
import { reanalyzeCommand } from './reanalyze.ts';
import { restoreCommand } from './restore/restore.ts';
import { showCommand } from './show.ts';
import { verifyCommand } from './verify.ts';
import { version } from './version.ts';

/** The command line: each command is in the file of its name. */
export function createProgram(): Command {
	const program = new Command('milvus-coredump-agent')
		.description('Finds every crash of a Milvus instance, says what crashed and why, and keeps the core dumps worth keeping.')
		.version(version)
		.showSuggestionAfterError()
		.exitOverride()
		.configureHelp({ showGlobalOptions: true })
		.addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong use (arguments, files, configuration), 128 + n ended by signal n.');
	for (const add of [
		agentCommand,
		analyzeCommand,
		instancesCommand,
		listCommand,
		showCommand,
		reanalyzeCommand,
		fetchCommand,
		gdbCommand,
		verifyCommand,
		pinCommand,
		unpinCommand,
		restoreCommand,
		importCommand,
		doctorCommand,
		configCommand,
		crashTestCommand,
		completionCommand,
	])
		add(program);
	explainMistakes(program);
	return program;
}

/** Puts a mistake on one line, with what the user can read to do better. */
function explainMistakes(command: Command): void {
	const handsOn = command.registeredArguments.some((argument) => argument.variadic && argument.name() !== 'id');
	command.configureOutput({
		outputError: (text, write) => {
			const mistake = text
				.trim()
				.replace(/^error: /, '')
				.replace(/\n/g, ' ')
				.replace(/\.$/, '');
			const advice = handsOn && mistake.startsWith('unknown option') ? `; what is for ${command.name()} goes after --` : '';
			write(`milvus-coredump-agent: ${mistake}${advice}; see ${fullName(command)} --help\n`);
		},
	});
	for (const inner of command.commands) explainMistakes(inner);
}

const fullName = (command: Command): string => (command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name());
