import { printable } from '../../base/printable.ts';

/** What became of a run. The words are one line, printable, at most 500 characters, without the values of manifests. */
export type Ran =
	| { readonly is: 'done'; readonly words: string }
	/** There is no such release. */
	| { readonly is: 'absent'; readonly words: string }
	| { readonly is: 'failed'; readonly words: string };

/** What helm says when it gives up: one line of its own, and what a hook wrote may stand above. */
export function refusal(stderr: string, code: number, release: string): Exclude<Ran, { is: 'done' }> {
	const errors = stderr.split('\n').filter((line) => line.startsWith('Error: '));
	const error = errors.at(-1)?.slice('Error: '.length);
	if (error === undefined) return { is: 'failed', words: code < 0 ? 'helm could not be started' : `helm ended with exit code ${code}` };
	const isAbsent = error === notFound || error === `uninstall: Release not loaded: ${release}: ${notFound}`;
	// Others may have had a say in an error of several lines.
	if (isAbsent && errors.length === 1) return { is: 'absent', words: `there is no release ${release}` };
	const reason = field(stderr, 'uninstall: Failed to delete release', 'error');
	return { is: 'failed', words: line(reason === undefined ? error : `${error}: ${reason}`) };
}

const notFound = 'release: not found';

/** Why a dry run could not look at an object. */
export const notLookedAt = (stderr: string): string | undefined =>
	field(stderr, 'dry-run: would skip resource (ownership could not be verified)', 'error');

/** What helm left because it could not look at it: those lines give a reason, and those of what it keeps do not. */
export function leftBehind(stdout: string): string | undefined {
	const left = stdout.split('\n').filter((line) => /^\[\S+\] \S+: /.test(line));
	return left.length === 0 ? undefined : line(left.join('; '));
}

/** That it is done, and then what was kept, which helm says first. */
export function saidOfUninstalling(stdout: string): string {
	const lines = stdout.split('\n').filter((line) => line.trim() !== '');
	const kept = lines.slice(0, -1).map((line) => (line.startsWith('[') ? ` ${line}` : `. ${line}`));
	return line([lines.at(-1), ...kept].join(''));
}

/** A field of the last line with that message, in the format of Go's log/slog. */
function field(stderr: string, message: string, name: string): string | undefined {
	const logged = stderr.split('\n').findLast((line) => line.startsWith('level=') && line.includes(` msg="${message}" `));
	const value = new RegExp(` ${name}=("(?:[^"\\\\]|\\\\.)*"|\\S+)$`).exec(logged ?? '')?.[1];
	if (value === undefined) return undefined;
	const text = value.replace(/^"(.*)"$/, '$1').replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
	return line(text.split('\n')[0] ?? '');
}

const mostCharacters = 500;

/** Without the passwords of proxies, and what the API server quotes of a manifest that it refuses, such as the environment of a container. */
function line(text: string): string {
	const spoken = text
		.replace(/Invalid value: .*(?=: [^"'{}]*$)|Invalid value: .*$/, 'Invalid value: …')
		.replace(/\{.*\}/, '{…}')
		.replaceAll(/\/\/[^/\s"]*@/g, '//…@');
	const safe = printable(spoken);
	return safe.length > mostCharacters ? `${safe.slice(0, mostCharacters)}…` : safe;
}
