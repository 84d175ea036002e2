import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { expectedAt } from '../../src/cli/candidates.ts';
import { createProgram } from '../../src/cli/program.ts';
import { commands } from '../support/commands.ts';

const program = createProgram();
const cluster = ['--config', '--standalone', '--kubeconfig', '--context', '--namespace', '--all-namespaces'];

/** The words on a line are those between spaces; what is expected is written as it would be typed, names on disk and crashes as `<…>`. */
const cases: readonly (readonly [line: string, expected: readonly string[]])[] = [
	['', [...commands, 'help']],
	['c', ['config', 'crash-test', 'completion']],
	['complete', []], // for programs, not for people
	['nonsense ', []],
	['-', ['--version', '--help']],
	['list ', []],
	['list -', [...cluster, '--number', '--json', '--group', '--rejected', '--help']],
	['list --js', ['--json']],
	['list --json --', [...cluster, '--number', '--group', '--rejected', '--help']],
	['list -n 5 --number', []],
	['list -c x --conf', []],
	['list -n ', []],
	['list -n l', []],
	['-- list --j', []],
	['crash-test ', ['segv', 'abort', 'fpe']],
	['crash-test a', ['abort']],
	['crash-test segv ', []],
	['crash-test -c x f', ['fpe']],
	['agent --log-format ', ['json', 'text']],
	['agent --log-format=', ['json', 'text']],
	['agent --log-format=t', ['text']],
	['agent --log-format = t', ['text']], // as bash divides it
	['agent --log-format text --log', []],
	['agent --unknown=', []],
	['agent --config ', ['<files>']],
	['agent --config=', ['<files>']],
	['agent --config=/etc/', ['<files>']],
	['agent --kubeconfig ', ['<files>']],
	['analyze ', ['<files>']],
	['analyze --exe ', ['<files>']],
	['analyze --sysroot ', ['<folders>']],
	['gdb --symbols ', ['<folders>']],
	['analyze -- --', ['<files>']],
	['analyze core ', []],
	['show ', ['<crashes>']],
	['reanalyze ', ['<crashes>']],
	['reanalyze 3f 4a', ['<crashes>']],
	['reanalyze --no', ['--no-wait']],
	['fetch ', ['<crashes>']],
	['fetch 3f -o ', ['<files>']],
	['import ', ['<files>']],
	['gdb ', ['<crashes>', '<files>']],
	['gdb core ', []],
	['gdb core -- -', []],
	['config ', ['check', 'show', 'help']],
	['config check ', ['<files>']],
	['config show --s', ['--standalone']],
	['config nonsense ', []],
	['completion ', ['bash', 'zsh', 'fish']],
	['help co', ['config', 'completion']],
	['config help s', ['show']],
];
for (const [line, expected] of cases) {
	test(`"${line}": ${expected.join(', ') || 'nothing'}`, () => {
		const { words, elsewhere } = expectedAt(program, line.split(' '));
		expect([...words.map(({ value }) => value), ...elsewhere.map((one) => `<${one}>`)]).toEqual(expected);
	});
}

test('the options before the cursor are told, also where quotes would be needed', () => {
	const { given, start } = expectedAt(program, ['show', '-c', 'a file.yaml', '--standalone', '3f']);
	expect({ given, start }).toEqual({ given: { config: 'a file.yaml', standalone: true }, start: '3f' });
	expect(expectedAt(program, ['show', '--config=a=b', '']).given).toEqual({ config: 'a=b' });
});

describe('nothing that a command takes is forgotten', () => {
	const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
	const isKnown = (line: string[]) => {
		const { words, elsewhere } = expectedAt(program, line);
		return words.length + elsewhere.length > 0;
	};
	const pathOf = (command: Command): string[] => (command.parent ? [...pathOf(command.parent), command.name()] : []);
	const visible = all(program).filter((command) => command.name() !== 'complete');

	test('each argument and value is listed, or is known to be free', () => {
		const free = visible.flatMap((command) => [
			...command.registeredArguments
				.filter((_, index) => !isKnown([...pathOf(command), ...Array(index).fill('x'), '']))
				.map((argument) => argument.name()),
			...command.options
				.filter(({ required, long }) => required && !isKnown([...pathOf(command), long ?? '', '']))
				.map(({ flags }) => flags),
		]);
		expect(free).toEqual([
			'--node <name>',
			'--debuginfod <url>',
			'--context <name>',
			'-n, --namespace <name>',
			'--context <name>',
			'--namespace <name>',
			'-n, --number <count>',
			'--context <name>',
			'--namespace <name>',
			'--revision <number>',
			'--context <name>',
			'--namespace <name>',
			'--group <fingerprint>',
			'--model <name>',
			'--context <name>',
			'--namespace <name>',
			'gdb arguments',
			'--context <name>',
			'--namespace <name>',
			'--debuginfod <url>',
			'--context <name>',
			'--namespace <name>',
			'--context <name>',
			'--namespace <name>',
			'name',
			'--context <name>',
			'-n, --namespace <name>',
			'--node <name>',
		]);
	});

	test('each word has its meaning beside it, but for the values of a choice', () => {
		for (const command of visible) {
			const { words } = expectedAt(program, [...pathOf(command), '-']);
			expect(words.filter(({ meaning }) => meaning === '')).toEqual([]);
		}
	});
});
