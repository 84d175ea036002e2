import { type Logger, pino } from 'pino';

export type LogOptions = {
	readonly level: 'debug' | 'info' | 'warn' | 'error';
	/** json: one object a line, for machines; text: for people. */
	readonly format: 'json' | 'text';
};

/** Writes to standard output, at once: a line that was logged is there also when the process dies right after it. */
export async function createLog({ level, format }: LogOptions): Promise<Logger> {
	const options = {
		level,
		base: null,
		formatters: { level: (label: string) => ({ level: label }) },
		timestamp: pino.stdTimeFunctions.isoTime,
	};
	if (format === 'json') return pino(options, pino.destination({ dest: 1, sync: true }));
	const { default: pretty } = await import('pino-pretty');
	return pino(options, pretty({ colorize: process.stdout.isTTY === true, singleLine: true, sync: true, translateTime: 'SYS:HH:MM:ss' }));
}
