import { CommanderError } from 'commander';
import { isSystemError } from '../base/errors.ts';
import { systemPath } from '../base/filename.ts';
import { printable } from '../base/printable.ts';
import { ScratchError } from '../components/analyzer/analyzer.ts';
import { ConfigError } from '../config/config.ts';
import { ContentLost, isBackendError, NotStored } from '../domain/backend.ts';
import { isKubernetesError } from '../drivers/kubernetes/kubernetes.ts';
import { JournalError } from '../journal/journal.ts';
import { CorefileError, NoUnpackerError } from '../readers/corefile/corefile.ts';
import { InterruptedError } from './interruption.ts';

/** How the program ends: `docs/reference/command-line.md`. A signal that ends it adds 128 and its number. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** Something that the user can mend: told in one line. */
export class UserError extends Error {
	override readonly name = 'UserError';
}

/** Something that went wrong in the world: told in one line. */
export class FailedError extends Error {
	override readonly name = 'FailedError';
}

/** Tells an error on standard error: the user's in one line, a bug with its stack. @returns the exit code */
export function tell(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage; // told already
	if (error instanceof InterruptedError) return error.exitCode;
	const message = userMessage(error);
	process.stderr.write(`${message ?? `${error instanceof Error ? error.stack : error}\nThis is a bug in milvus-coredump-agent.`}\n`);
	return message === undefined || isOfTheWorld(error) ? exitCodes.failed : exitCodes.usage;
}

const isOfTheWorld = (error: unknown): error is Error =>
	error instanceof FailedError || error instanceof NotStored || isBackendError(error) || isKubernetesError(error);

function userMessage(error: unknown): string | undefined {
	if (error instanceof ConfigError) return error.message; // a line for each mistake, each with its file
	if (error instanceof UserError || error instanceof JournalError || error instanceof CorefileError)
		return `milvus-coredump-agent: ${error.message}`;
	if (isOfTheWorld(error)) return `milvus-coredump-agent: ${error.message}`;
	if (error instanceof ScratchError) return `milvus-coredump-agent: ${error.message}; set TMPDIR`;
	return undefined;
}

/**
 * What went wrong with a file that the user named, or with one in a folder that they named; undefined where it was another.
 *
 * @param shown how the message names it
 */
export function fileProblem(path: string, error: unknown, shown = printable(path)): UserError | undefined {
	if (error instanceof CorefileError || error instanceof NoUnpackerError || error instanceof ContentLost)
		return new UserError(`${shown}: ${error.message}`, { cause: error });
	if (!(isSystemError(error) && 'code' in error)) return undefined;
	const isOfFile = 'path' in error ? isAtOrIn(path, String(error.path)) : error.syscall === 'read';
	return isOfFile
		? new UserError(`${shown}: ${fileWords[String(error.code)] ?? `can't be read: ${error.message}`}`, { cause: error })
		: undefined;
}

function isAtOrIn(place: string, path: string): boolean {
	const named = String(systemPath(place)); // as Node names it
	return path === named || path.startsWith(`${named}/`);
}

const fileWords: Readonly<Record<string, string>> = {
	ENOENT: 'there is no such file',
	ENOTDIR: 'there is no such file',
	EACCES: 'no permission to read it (try as root)',
	EPERM: 'no permission to read it (try as root)',
	ELOOP: 'too many links',
	ENAMETOOLONG: 'the name is too long',
	ENXIO: 'is not a regular file',
};
