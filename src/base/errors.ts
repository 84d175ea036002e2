import { constants } from 'node:os';

/** The code of an error of the system or of Node: `ENOENT`. */
export const codeOf = (error: unknown): string | undefined => (error instanceof Error && 'code' in error ? String(error.code) : undefined);

/** Whether the system said no: a full disk, a missing right, a file that is gone. Anything else is a bug. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error;

/** The handle leads to what its server does not have any more, or there is no server. */
export const isStale = (error: unknown): boolean => isSystemError(error) && error.errno === -constants.errno.ESTALE;

/** What network file systems answer, and Node has no words for. */
const unknownToNode = new Map([
	[-constants.errno.ESTALE, 'ESTALE: stale file handle'],
	[-constants.errno.EDQUOT, 'EDQUOT: disk quota exceeded'],
]);

/** The message of an error of the system, in words also where Node knows only a number. */
export function systemMessageOf({ message, errno = 0 }: NodeJS.ErrnoException): string {
	const unknown = `Unknown system error ${errno}`;
	return message.replace(`${unknown}: ${unknown}`, unknownToNode.get(errno) ?? unknown);
}

/** What an error says; anything may be thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
