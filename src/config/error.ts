/** The configuration is wrong: a line for each mistake, with where it is and what to do. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}
