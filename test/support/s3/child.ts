import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../crash.ts';
import type { S3Place } from './place.ts';

/** Runs a script in a process of its own, with a backend `backend` for that place; `megabytes` are the same as here. */
export function inChild({ server, notesPath }: Pick<S3Place, 'server' | 'notesPath'>, script: string) {
	const head = `
		import { readFileSync } from 'node:fs';
		import { s3Backend } from ${JSON.stringify(join(root, 'src/drivers/s3/s3.ts'))};
		const backend = s3Backend(${JSON.stringify(server.options)}, ${JSON.stringify(notesPath)});
		const signal = new AbortController().signal;
		const chunk = Buffer.alloc(1_000_000);
		const numbered = (index) => { chunk.fill(\`\${index} \`).writeUInt32LE(index); return chunk; };
		const megabytes = (count) => ({ async *open() { for (let index = 0; index < count; index++) yield numbered(index); } });
		const peak = () => Number(readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\\s+(\\d+)/)[1]) * 1024;`;
	return spawn(process.execPath, ['--optimize-for-size', '--input-type=module-typescript', '-e', head + script], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
}
