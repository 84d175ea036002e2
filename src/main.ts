import { exitCodes, tell } from './cli/errors.ts';
import { createProgram } from './cli/program.ts';

for (const stream of [process.stdout, process.stderr]) {
	stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed)); // `| head` has seen enough
}

try {
	await createProgram().parseAsync();
} catch (error) {
	process.exitCode = tell(error);
}
