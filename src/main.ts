import { CommanderError } from 'commander';
import { exitCodes, InterruptedError, userMessage } from './cli/errors.ts';
import { createProgram } from './cli/program.ts';

for (const stream of [process.stdout, process.stderr]) {
	stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed)); // `| head` has seen enough
}

try {
	await createProgram().parseAsync();
} catch (error) {
	process.exitCode = exitCode(error);
}

/** Tells the error, a user's in one line, and says how to end. */
function exitCode(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage; // told already
	if (error instanceof InterruptedError) return exitCodes.interrupted;
	const message = userMessage(error);
	process.stderr.write(`${message ?? `${error instanceof Error ? error.stack : error}\nThis is a bug in milvus-coredump-agent.`}\n`);
	return message === undefined ? exitCodes.failed : exitCodes.usage;
}
