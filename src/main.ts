import { exitCodes, tell } from './cli/errors.ts';
import { createProgram } from './cli/program.ts';

process.stderr.on('error', () => {}); // the terminal is gone: the work ends by its signal
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code === 'EPIPE') process.exit(exitCodes.ok); // `| head` has seen enough
	process.stderr.write(`milvus-coredump-agent: can't write the output: ${error.message}\n`);
	process.exit(exitCodes.failed);
});

try {
	await createProgram().parseAsync();
} catch (error) {
	process.exitCode = tell(error);
}
