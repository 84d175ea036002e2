import type { Argument, Command, Option } from 'commander';

/** A word that may stand at the cursor. */
export type Candidate = { readonly value: string; readonly meaning: string };

/** What a command's own description does not list: names on disk, and the crashes of the journal. */
export type Elsewhere = 'files' | 'folders' | 'crashes';

/** What may stand at the cursor. */
export type Expected = {
	/** What is already there of the word; of `--option=value`, of the value. */
	readonly start: string;
	readonly words: readonly Candidate[];
	readonly elsewhere: readonly Elsewhere[];
	/** The options before it with their values, by their names in the code. */
	readonly given: Readonly<Record<string, string | true>>;
};

/**
 * Reads a command line as far as the cursor, by what the commands say of themselves.
 *
 * @param line the words behind the program's name, as they are typed; the last is the one to complete, and may be empty
 */
export function expectedAt(program: Command, line: readonly string[]): Expected {
	const before = readWords(program, line.slice(0, -1));
	const { start, words, elsewhere } = slotAt(before, line.at(-1) ?? '');
	return {
		start,
		words: words.filter(({ value }) => value.startsWith(start)),
		elsewhere,
		given: Object.fromEntries([...before.given].map(([option, value]) => [option.attributeName(), value])),
	};
}

/** What the words before the cursor leave open. */
type Before = {
	readonly command: Command;
	readonly parent: Command | undefined;
	/** The option whose value comes next. */
	readonly pending: Option | undefined;
	readonly given: ReadonlyMap<Option, string | true>;
	/** How many arguments there were. */
	readonly count: number;
	/** After `--`. */
	readonly areOptionsOver: boolean;
};

function readWords(program: Command, words: readonly string[]): Before {
	let command = program;
	let parent: Command | undefined;
	let pending: Option | undefined;
	let count = 0;
	let areOptionsOver = false;
	const given = new Map<Option, string | true>();
	for (const word of words) {
		if (pending) {
			if (word === '=') continue; // bash makes three words of --option=value
			given.set(pending, word);
			pending = undefined;
		} else if (word === '--' && !areOptionsOver) areOptionsOver = true;
		else if (word.startsWith('-') && !areOptionsOver) {
			const [name, value] = splitOption(word);
			const option = optionOf(command, name);
			if (option) given.set(option, value ?? true);
			if (option?.required && value === undefined) pending = option;
		} else {
			const inner = commandsOf(command).find((one) => one.name() === word || one.aliases().includes(word));
			if (inner && count === 0) [command, parent] = [inner, command];
			else count++;
		}
	}
	return { command, parent, pending, given, count, areOptionsOver };
}

type Slot = Pick<Expected, 'start' | 'words' | 'elsewhere'>;

function slotAt({ command, parent, pending, given, count, areOptionsOver }: Before, current: string): Slot {
	if (pending) return { start: current, ...valuesOf(pending, placeholder(pending)) };
	if (current.startsWith('-') && !areOptionsOver) {
		const [name, value] = splitOption(current);
		const option = optionOf(command, name);
		if (value !== undefined) return { start: value, ...(option ? valuesOf(option, placeholder(option)) : nothing) };
		const free = optionsOf(command).filter((one) => !given.has(one));
		const words = free.map(({ long, short, description }) => ({ value: long ?? short ?? '', meaning: description }));
		return { start: current, words, elsewhere: [] };
	}
	const { registeredArguments: all } = command;
	const argument = all[count] ?? all.findLast(({ variadic }) => variadic);
	if (argument) return { start: current, ...valuesOf(argument, argument.name(), parent) };
	return { start: current, words: count === 0 ? commandsOf(command).map(asCandidate) : [], elsewhere: [] };
}

const nothing = { words: [], elsewhere: [] } as const;

/** What the words of a placeholder such as `<id|core>` stand for. */
const placeholders: Readonly<Record<string, Elsewhere | 'commands'>> = {
	file: 'files',
	core: 'files',
	path: 'files',
	dir: 'folders',
	id: 'crashes',
	command: 'commands',
};

function valuesOf({ argChoices }: Option | Argument, name: string, parent?: Command): Omit<Slot, 'start'> {
	const kinds = name.split('|').map((one) => placeholders[one]);
	const commands = kinds.includes('commands') && parent ? commandsOf(parent).map(asCandidate) : [];
	return {
		words: [...(argChoices ?? []).map((value) => ({ value, meaning: '' })), ...commands],
		elsewhere: kinds.filter((kind) => kind !== undefined && kind !== 'commands'),
	};
}

/** Of `-c, --config <file>`: file. */
const placeholder = ({ flags }: Option) => /[<[]([^>\].]+)/.exec(flags)?.[1] ?? '';

const asCandidate = (command: Command): Candidate => ({ value: command.name(), meaning: command.description() });
const commandsOf = (command: Command) => command.createHelp().visibleCommands(command);
const optionsOf = (command: Command) => command.createHelp().visibleOptions(command);
const optionOf = (command: Command, name: string) => optionsOf(command).find(({ long, short }) => name === long || name === short);

function splitOption(word: string): readonly [name: string, value: string | undefined] {
	const at = word.startsWith('--') ? word.indexOf('=') : -1;
	return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
