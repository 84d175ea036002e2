import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Journal } from '../../src/journal/journal.ts';
import { bin, cli } from '../support/cli.ts';
import { exec, temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { describeUnless, missingOf } from '../support/needed.ts';

/** What is typed before Tab, and the words that the program gets after Enter. */
const typed: readonly (readonly [line: string, words: readonly string[]])[] = [
	['milvus-coredump-agent lis', ['list']],
	['milvus-coredump-agent list --js', ['list', '--json']],
	['milvus-coredump-agent config che', ['config', 'check']],
	['milvus-coredump-agent crash-test se', ['crash-test', 'segv']],
	['milvus-coredump-agent agent --log-format te', ['agent', '--log-format', 'text']],
	['milvus-coredump-agent agent --log-format=te', ['agent', '--log-format=text']],
	['milvus-coredump-agent agent --config=conf', ['agent', '--config=config.yaml']],
	['milvus-coredump-agent agent --config conf', ['agent', '--config', 'config.yaml']],
	['milvus-coredump-agent show -c config.yaml ', ['show', '-c', 'config.yaml', '3f9c00000001']],
	['milvus-coredump-agent show -c ~/config.yaml 3', ['show', '-c', '~/config.yaml', '3f9c00000001']],
	['milvus-coredump-agent show -c ./nowhere.yaml 3', ['show', '-c', './nowhere.yaml', '3']],
	['milvus-coredump-agent gdb -c config.yaml 3', ['gdb', '-c', 'config.yaml', '3f9c00000001']],
	['milvus-coredump-agent gdb -c config.yaml cor', ['gdb', '-c', 'config.yaml', 'core of a crash']],
	['milvus-coredump-agent analyze cor', ['analyze', 'core of a crash']],
	['milvus-coredump-agent analyze core\\ of', ['analyze', 'core of a crash']],
	["milvus-coredump-agent analyze 'core of", ['analyze', 'core of a crash']],
	['milvus-coredump-agent analyze --sysroot som', ['analyze', '--sysroot', 'some folder']],
	['./milvus-coredump-agent doc', ['doctor']],
	['~/milvus-coredump-agent doc', ['doctor']],
];

/** How each shell is started without anybody's settings, and made ready to load a script. */
const shells = {
	bash: { command: 'bash --norc --noprofile -i', ready: [] },
	zsh: { command: 'zsh -f -i', ready: ['autoload -Uz compinit', 'compinit -u -D'] },
	fish: { command: 'fish --no-config -i', ready: [] },
} as const;

/** A folder with a program that tells what it is called with, a journal with one crash, and files to name. */
async function home() {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const program = '#!/bin/sh\n[ "$1" = complete ] && exec "$AGENT" "$@"\nprintf "called"; printf "<%s>" "$@"; echo\n';
	writeFileSync(place('milvus-coredump-agent'), program);
	chmodSync(place('milvus-coredump-agent'), 0o755);
	writeFileSync(place('config.yaml'), `journal: { path: ${place('journal.db')} }\n`);
	writeFileSync(place('core of a crash'), '');
	writeFileSync(place('somefile'), '');
	mkdirSync(place('some folder'));
	using journal = new Journal(place('journal.db'), { CoredumpFile: [], AnalysisResults: [], StorageEvent: [] });
	const { found, analysed } = events();
	journal.append(found, analysed);
	return Object.assign(folder, { place });
}

/** A shell on a terminal of its own, into which lines are typed. */
function terminal(shell: keyof typeof shells, cwd: string) {
	// A shell that is slow to end is killed, and would write its history then, into a folder that is being removed.
	const noHistory = { HISTFILE: '/dev/null', fish_history: '' };
	const env = { PATH: `${cwd}:${process.env.PATH}`, HOME: cwd, AGENT: bin, TERM: 'dumb', ...noHistory };
	const child = spawn('script', ['-qec', shells[shell].command, '/dev/null'], { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] });
	let output = '';
	child.stdout.on('data', (chunk) => {
		output += chunk;
	});
	return {
		output: () => output,
		type: (text: string) => child.stdin.write(text),
		/** What the program was called with; zsh takes the slash off a folder's name. */
		calls: () => [...output.matchAll(/^called(<.*?)\/?>\r?$/gm)].map(([, words = '']) => words.slice(1).split('><')),
		[Symbol.asyncDispose]: async () => {
			if (child.exitCode !== null || child.signalCode !== null) return;
			child.stdin.write('\u0003\u0015exit\n');
			const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
			await once(child, 'exit');
			clearTimeout(late);
		},
	};
}

for (const shell of ['bash', 'zsh', 'fish'] as const) {
	describeUnless(`completion in ${shell}, at a terminal`, missingOf([shell]), {}, () => {
		test('what is begun is completed', async () => {
			await using folder = await home();
			writeFileSync(folder.place('script'), (await cli(['completion', shell])).stdout);
			await using screen = terminal(shell, folder.path);
			for (const line of [...shells[shell].ready, 'source ./script']) screen.type(`${line}\n`);
			for (const [index, [line, words]] of typed.entries()) {
				screen.type(`${line}\t\n`);
				await expect.poll(() => screen.calls().length, { timeout: 20_000, message: `${line} in ${screen.output()}` }).toBe(index + 1);
				expect(screen.calls()[index], line).toEqual(words.map((word) => word.replace('~', folder.path)));
			}
			// What is typed is not run, neither by the script nor by the program.
			screen.type('milvus-coredump-agent show $(touch made) `touch made` \t\u0015milvus-coredump-agent doc\t\n');
			await expect.poll(() => screen.calls().slice(typed.length), { timeout: 20_000 }).toEqual([['doctor']]);
			expect(existsSync(folder.place('made'))).toBe(false);
		}, 180_000);
	});
}

test('a script can be loaded twice, and is right in its syntax', async () => {
	await using folder = await temporaryFolder();
	for (const shell of ['bash', 'zsh', 'fish']) {
		if (missingOf([shell]) !== null && process.env.CI !== 'true') continue;
		const file = join(folder.path, shell);
		writeFileSync(file, (await cli(['completion', shell])).stdout);
		const ready = shell === 'zsh' ? 'autoload -Uz compinit && compinit -u -D;' : '';
		expect(await exec(shell, ['-n', file])).toMatchObject({ stderr: '' });
		expect(await exec(shell, ['-c', `${ready} source ${file}; source ${file}`])).toMatchObject({ stdout: '', stderr: '' });
	}
});

test('what is asked for at Tab fails without a word', async () => {
	await using folder = await temporaryFolder();
	writeFileSync(join(folder.path, 'wrong.yaml'), 'nonsense');
	for (const line of [
		['show', ''],
		['show', '-c', join(folder.path, 'wrong.yaml'), ''],
		['show', '-c', '/nowhere', ''],
		['nonsense', ''],
	])
		expect(await cli(['complete', '--', ...line])).toEqual({ code: 0, stdout: '', stderr: '' });
});
