import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { readJournal } from '../journal/journal.ts';
import { headline } from '../report/report.ts';
import { type Candidate, expectedAt } from './candidates.ts';
import { loadSettings } from './settings.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** As many crashes as `list` shows. */
const mostCrashes = 50;

/** `completion` prints what a shell needs; what that calls at each Tab is `complete`, which asks the commands themselves. */
export function completionCommand(program: Command): void {
	program
		.command('completion')
		.description('print a script that completes commands, options, files and crash ids at Tab, for the start-up file of the shell')
		.addArgument(new Argument('<shell>', 'which shell').choices(shells))
		.addHelpText(
			'after',
			'\nbash, zsh: source <(milvus-coredump-agent completion bash)\nfish:      milvus-coredump-agent completion fish | source',
		)
		.action((shell: Shell) => void process.stdout.write(readFileSync(join(import.meta.dirname, 'completion', `completion.${shell}`))));
	program
		.command('complete', { hidden: true })
		.description('for the scripts of `completion`: what may stand at the end of a command line, after `--`')
		.argument('[words...]')
		.action((words: string[]) => complete(program, words));
}

/** A line for each candidate, with its meaning after a tab; one that begins with a tab asks the shell for names on disk. */
async function complete(program: Command, line: readonly string[]): Promise<void> {
	const { start, words, elsewhere, given } = expectedAt(program, line);
	const crashes = elsewhere.includes('crashes') ? await crashesLike(start, given) : [];
	const onDisk = elsewhere.filter((one) => one !== 'crashes').map((one) => ({ value: '', meaning: one }));
	for (const { value, meaning } of [...crashes, ...words, ...onDisk]) process.stdout.write(`${value}\t${meaning}\n`);
}

async function crashesLike(start: string, { config, standalone }: Readonly<Record<string, string | true>>): Promise<Candidate[]> {
	try {
		const file = typeof config === 'string' ? { config: config.replace(/^~(?=\/)/, homedir()) } : {};
		const { config: settings } = await loadSettings({ ...file, standalone: standalone === true });
		using journal = readJournal(settings.journal.path);
		return [...journal.reports(mostCrashes)]
			.filter(({ id }) => id.startsWith(start))
			.map((report) => ({ value: report.id, meaning: headline(report) }));
	} catch {
		return []; // nobody reads a complaint in the middle of typing; the command itself makes it
	}
}
