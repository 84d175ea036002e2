import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe } from 'vitest';
import { exec } from '../crash.ts';

const find = async () => (await exec(join(import.meta.dirname, 'build.sh'), ['--find'])).stdout.trim();
const missing = await find().then(
	() => undefined,
	(error: { stderr?: string }) => String(error.stderr).trim(),
);

/** Tests that need a real language model: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export function describeRealModel(name: string, tests: () => void): void {
	const skip = missing !== undefined && process.env.CI !== 'true';
	describe.skipIf(skip)(skip ? `${name} (${missing})` : name, { timeout: 180_000 }, tests);
}

export type RealModel = AsyncDisposable & {
	/** For `openai-compatible`; it wants no key. */
	readonly baseURL: string;
	readonly model: string;
	/** Whether it has a question in hand. */
	isAtWork(): Promise<boolean>;
};

const model = 'smollm2-135m-instruct';

/**
 * A small language model in a process of its own, which answers in OpenAI's form: what it writes has the form that is asked for, and no sense. It answers one
 * question at a time, some ten tokens a second, and takes 400 MB of memory.
 */
export async function startRealModel(): Promise<RealModel> {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts'), await find(), model], { stdio: ['pipe', 'pipe', 'pipe'] });
	await using ending = new AsyncDisposableStack();
	const ended = once(child, 'close');
	ending.defer(async () => {
		child.kill('SIGKILL');
		await ended;
	});
	let errors = '';
	child.stderr.on('data', (piece) => {
		errors += piece;
	});
	const [port] = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(() => [])]);
	if (port === undefined) throw new Error(`the language model ended: ${errors}`);
	const origin = `http://127.0.0.1:${port}`;
	const disposal = ending.move();
	return {
		baseURL: `${origin}/v1`,
		model,
		async isAtWork() {
			const slots = (await (await fetch(`${origin}/slots`)).json()) as readonly { readonly is_processing: boolean }[];
			return slots.some(({ is_processing: isBusy }) => isBusy);
		},
		[Symbol.asyncDispose]: () => disposal.disposeAsync(),
	};
}
