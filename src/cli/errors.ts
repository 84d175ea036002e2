import { ConfigError } from '../config/config.ts';
import { JournalError } from '../journal/journal.ts';
import { CorefileError } from '../readers/corefile/corefile.ts';

/** How the program ends: `docs/reference/command-line.md`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Something that the user can mend: told in one line. */
export class UserError extends Error {
	override readonly name = 'UserError';
}

/** Ctrl-C. */
export class InterruptedError extends Error {
	override readonly name = 'InterruptedError';
}

/** The user's errors as lines without a stack; undefined for a bug. */
export function userMessage(error: unknown): string | undefined {
	if (error instanceof UserError || error instanceof ConfigError || error instanceof JournalError || error instanceof CorefileError)
		return error.message;
	return undefined;
}

/** What went wrong with a file that the user named. */
export function fileProblem(path: string, error: unknown): UserError | undefined {
	if (error instanceof CorefileError) return new UserError(`${path}: ${error.message}`, { cause: error });
	if (!(error instanceof Error && 'code' in error)) return undefined;
	const words: Readonly<Record<string, string>> = {
		ENOENT: 'there is no such file',
		EACCES: 'no permission to read it (try as root)',
		EPERM: 'no permission to read it',
		ENOTDIR: 'there is no such file',
		ELOOP: 'too many links',
	};
	const word = words[String(error.code)];
	return word === undefined ? undefined : new UserError(`${path}: ${word}`, { cause: error });
}
