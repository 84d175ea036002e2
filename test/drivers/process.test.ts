import { expect, test } from 'vitest';
import { run } from '../../src/drivers/process/process.ts';

const writing = ['-c', 'seq 200000; seq 200000 >&2; exit 3'];

test('of a program that writes a lot the end is kept, where nothing else matters, and it is not ended for it', async () => {
	const options = { timeoutMs: 60_000, maxOutputBytes: 19 };
	const { how, stdout, stderr } = await run('sh', writing, { ...options, keepsEnd: true });
	const end = '9998\n199999\n200000\n';
	expect({ how, stdout, stderr }).toEqual({ how: { is: 'exited', code: 3 }, stdout: end, stderr: end });
	expect((await run('sh', writing, options)).how).toEqual({ is: 'wrote too much' });
});
