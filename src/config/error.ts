/** The configuration is wrong: a line for each mistake, with where it is and what to do. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}

/** A file or folder can not be read: why, in words. @param name the path, and what it is */
export function unreadable(name: string, cause: unknown): ConfigError {
	const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
	const words: Readonly<Record<string, string>> = {
		ENOENT: 'there is no such file',
		ENOTDIR: 'there is no such file',
		EISDIR: 'is a directory',
		EACCES: 'no permission to read it',
		ENXIO: 'is not a regular file',
	};
	return new ConfigError(`${name}: ${words[code] ?? `can't be read: ${cause instanceof Error ? cause.message : String(cause)}`}`, {
		cause,
	});
}
