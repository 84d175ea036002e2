/** The configuration is wrong: a line for each mistake, with where it is and what to do. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}

/** A file or folder that the configuration names can not be read: why, in words. */
export function unreadable(path: string, cause: unknown): ConfigError {
	const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
	const words: Readonly<Record<string, string>> = {
		ENOENT: 'there is no such file',
		ENOTDIR: 'there is no such file',
		EISDIR: 'is a directory',
		EACCES: 'no permission to read it',
	};
	return new ConfigError(`${path}: ${words[code] ?? String(cause)}`, { cause });
}
