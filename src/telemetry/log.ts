import { type Logger, pino } from 'pino';

export type LogOptions = {
	readonly level: 'debug' | 'info' | 'warn' | 'error';
	/** json: one object a line, for machines; text: for people. */
	readonly format: 'json' | 'text';
	/** Only of text. */
	readonly isColoured: boolean;
};

/** For work that tells of itself otherwise. */
export const noLog = (): Logger => pino({ level: 'silent' });

/** What is kept of lines that can't be written, until they can. */
const mostWaitingBytes = 1 << 20;

/**
 * Writes to standard output, at once: a line that was logged is there also when the process dies right after it. Where nothing can be written
 * (the disk is full, nobody reads) the process goes on, and lines beyond what may wait are lost.
 */
export async function createLog({ level, format, isColoured }: LogOptions): Promise<Logger> {
	const options = {
		level,
		base: null,
		formatters: { level: (label: string) => ({ level: label }) },
		timestamp: pino.stdTimeFunctions.isoTime,
	};
	const destination = pino.destination({ dest: 1, sync: true, maxLength: mostWaitingBytes });
	destination.on('error', () => {}); // nowhere is left to tell it
	if (format === 'json') return pino(options, destination);
	const { default: pretty } = await import('pino-pretty');
	return pino(options, pretty({ destination, colorize: isColoured, singleLine: true, translateTime: 'SYS:HH:MM:ss' }));
}
