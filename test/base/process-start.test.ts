import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { processStart } from '../../src/base/process-start.ts';

test('a process started at one time, which is not that of another', async () => {
	const other = spawn('sleep', ['60']);
	using _ = { [Symbol.dispose]: () => other.kill() };
	await once(other, 'spawn');
	const start = await processStart(process.pid);
	expect(start).toMatch(/^\d+$/);
	expect(await processStart(process.pid)).toBe(start);
	expect(Number(await processStart(other.pid ?? 0))).toBeGreaterThan(Number(start));
});

test('a process that has ended is gone, also when its parent does not ask for it', async () => {
	// The shell's child ends at once; what the shell becomes never waits for a child.
	const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
	using _ = { [Symbol.dispose]: () => parent.kill() };
	const pid = Number(String(await once(parent.stdout, 'data')));
	await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(' Z ');
	expect(await processStart(pid)).toBeUndefined();
	expect(await processStart(2 ** 22 + 1)).toBeUndefined();
});
