import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { NotRegularError } from '../../src/base/regular-file.ts';
import { panicLine } from '../../src/components/discovery/panic-line.ts';
import { keepLog, logOnNode, tailBytes } from '../../src/components/discovery/previous-log.ts';
import { exec, mountTest, runWithoutRights, temporaryFolder } from '../support/crash.ts';

const pod = { namespace: 'default', name: 'search-milvus-querynode-0', uid: '6d2f' };

/** A kubelet's folder of logs, with these files of one container. */
async function podLogs(files: Readonly<Record<string, string | Buffer>>) {
	const folder = await temporaryFolder();
	const own = join(folder.path, `${pod.namespace}_${pod.name}_${pod.uid}`, 'querynode');
	mkdirSync(own, { recursive: true });
	for (const [name, content] of Object.entries(files)) writeFileSync(join(own, name), content);
	const read = async (number: number, container = 'querynode') => (await logOnNode(folder.path, pod, { container, number }))?.toString();
	return Object.assign(folder, { own, read });
}

const proofIn = (text: string) => panicLine(Buffer.from(text));
const line = (text: string, stream = 'stderr', tag = 'F') => `2026-11-23T06:25:58.123456789Z ${stream} ${tag} ${text}\n`;

describe('what a run wrote, on its node', () => {
	test('is found by how many runs there were before', async () => {
		await using logs = await podLogs({ '2.log': 'third\n', '3.log': 'fourth\n' });
		expect(await logs.read(2)).toBe('third\n');
		expect(await logs.read(3)).toBe('fourth\n');
	});

	test('is put together with what was rotated, in order, but for what was packed or is being packed', async () => {
		await using logs = await podLogs({
			'3.log': 'newest\n',
			'3.log.20261123-062558': 'before\n',
			'3.log.20261123-062557': 'earlier\n',
			'3.log.20261123-062556.gz': gzipSync('packed\n'),
			'3.log.20261123-062555.tmp': 'half',
			'33.log': 'of another run\n',
			'33.log.20261123-062559': 'of another run\n',
		});
		expect(await logs.read(3)).toBe('earlier\nbefore\nnewest\n');
	});

	test('is what was rotated alone, in the moment in which the new file is not there', async () => {
		await using logs = await podLogs({ '3.log.20261123-062558': 'all\n' });
		expect(await logs.read(3)).toBe('all\n');
	});

	test('is nothing where the kubelet has thrown it away, never had it, or there is no such folder', async () => {
		await using logs = await podLogs({ '3.log': 'x' });
		expect(await logs.read(2)).toBeUndefined();
		expect(await logs.read(3, 'proxy')).toBeUndefined();
		expect(await logOnNode('/nowhere', pod, { container: 'querynode', number: 3 })).toBeUndefined();
		expect(await logOnNode(join(logs.own, '3.log'), pod, { container: 'querynode', number: 3 })).toBeUndefined();
	});

	test('is empty where it wrote nothing', async () => {
		await using logs = await podLogs({ '3.log': '' });
		expect(await logs.read(3)).toBe('');
	});

	test('is nothing where it is not for us to read', async () => {
		await using logs = await podLogs({ '3.log': 'secret' });
		const script = `
			import { chmodSync } from 'node:fs';
			const { logOnNode } = await import(process.argv[1]);
			chmodSync(process.argv[2] + '/3.log', 0);
			const log = await logOnNode(process.argv[3], ${JSON.stringify(pod)}, { container: 'querynode', number: 3 });
			console.log(log === undefined ? 'nothing' : log.toString());`;
		const module = join(import.meta.dirname, '../../src/components/discovery/previous-log.ts');
		expect(await runWithoutRights(script, module, logs.own, logs.path)).toBe('nothing');
	});

	test('of 100 MB is its end, and costs no more than that', async () => {
		await using logs = await podLogs({ '3.log': '', '3.log.20261123-062558': 'before\n' });
		const file = join(logs.own, '3.log');
		truncateSync(file, 100_000_000);
		writeFileSync(file, 'the end', { flag: 'a' });
		const before = process.memoryUsage().arrayBuffers;
		const log = await logOnNode(logs.path, pod, { container: 'querynode', number: 3 });
		expect(log).toHaveLength(tailBytes);
		expect(log?.subarray(-7).toString()).toBe('the end');
		expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * tailBytes);
	});

	test('that was rotated just now fills up what is missing to the most that is read', async () => {
		const half = Buffer.alloc(tailBytes / 2 + 10, 'b');
		await using logs = await podLogs({
			'3.log': Buffer.alloc(tailBytes / 2, 'a'),
			'3.log.20261123-062558': half,
			'3.log.20261123-062557': 'c',
		});
		const log = (await logs.read(3)) ?? '';
		expect(log).toBe(`${'b'.repeat(tailBytes / 2)}${'a'.repeat(tailBytes / 2)}`);
	});

	test('can fail to be read: it is no file, and keeps nobody waiting', async () => {
		await using logs = await podLogs({});
		mkdirSync(join(logs.own, '3.log'));
		await expect(logs.read(3)).rejects.toThrow(new NotRegularError('is a directory'));
		await exec('mkfifo', [join(logs.own, '4.log')]);
		await expect(logs.read(4)).rejects.toThrow(new NotRegularError('is a FIFO'));
	});
});

describe('a log that is kept', () => {
	test('is for its owner alone, under the id of the crash', async () => {
		await using folder = await temporaryFolder();
		const kept = await keepLog(join(folder.path, 'state/logs'), '3f9c00000001', Buffer.from('panic'));
		expect(kept).toEqual({ path: join(folder.path, 'state/logs/3f9c00000001.log'), sizeBytes: 5 });
		expect(readFileSync(kept.path, 'utf8')).toBe('panic');
		expect(statSync(kept.path).mode & 0o777).toBe(0o600);
		expect(statSync(join(folder.path, 'state/logs')).mode & 0o777).toBe(0o700);
	});

	test('pushes out the oldest when there are too many, also when several are kept at a time', async () => {
		await using folder = await temporaryFolder();
		const old = Array.from({ length: 8 }, (_, index) => `old${index}.log`);
		for (const [index, name] of old.entries()) {
			writeFileSync(join(folder.path, name), '');
			truncateSync(join(folder.path, name), 60 << 20); // a hole
			utimesSync(join(folder.path, name), 1_000 + index, 1_000 + index);
		}
		writeFileSync(join(folder.path, 'notes.txt'), 'of somebody');
		await Promise.all(['a', 'b', 'c', 'd'].map((key) => keepLog(folder.path, key, Buffer.from('x'))));
		expect(readdirSync(folder.path).sort()).toEqual([
			...['a.log', 'b.log', 'c.log', 'd.log', 'notes.txt', 'old4.log', 'old5.log', 'old6.log', 'old7.log'],
		]);
	});

	test('can fail to be, which is an error of the system, and leaves no half of it', async () => {
		await using folder = await temporaryFolder();
		writeFileSync(join(folder.path, 'file'), '');
		await expect(keepLog(join(folder.path, 'file'), 'a', Buffer.from('x'))).rejects.toMatchObject({ syscall: expect.any(String) });
		expect(existsSync(join(folder.path, 'file/a.log'))).toBe(false);
	});
});

mountTest('a log for which the disk has no room is an error of the system, and leaves no half of it', async () => {
	await using folder = await temporaryFolder();
	await exec('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder.path]);
	try {
		await expect(keepLog(folder.path, 'a', Buffer.alloc(1 << 20))).rejects.toMatchObject({ code: 'ENOSPC', syscall: 'write' });
		expect(readdirSync(folder.path)).toEqual([]);
	} finally {
		await exec('umount', [folder.path]);
	}
});

describe('the line that proves a panic', () => {
	test.each([
		[
			'panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\n',
			'panic: runtime error: index out of range [5] with length 3',
		],
		['fatal error: concurrent map writes\n\ngoroutine 7 [running]:\n', 'fatal error: concurrent map writes'],
		[
			"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
			"terminate called after throwing an instance of 'std::bad_alloc'",
		],
		["thread 'main' panicked at src/lib.rs:4:5:\nno\n", "thread 'main' panicked at src/lib.rs:4:5:"],
		["milvus: segment.cc:42: void f(): Assertion `rows == 7' failed.\n", "milvus: segment.cc:42: void f(): Assertion `rows == 7' failed."],
	])('is found in %j', async (text, proof) => {
		expect(await proofIn(`[INFO] started\n${text}`)).toBe(proof);
		const framed = text
			.trimEnd()
			.split('\n')
			.map((one) => line(one))
			.join('');
		expect(await proofIn(line('[INFO] started', 'stdout') + framed)).toBe(proof);
	});

	test('is whole, where the runtime cut it into pieces with those of another stream between them', async () => {
		const text = [
			line('panic: ', 'stderr', 'P'),
			line('[INFO] something else', 'stdout'),
			line('this is ', 'stderr', 'P'),
			line('one line', 'stderr', 'F'),
			line('', 'stderr'),
			line('goroutine 1 [running]:', 'stderr'),
		].join('');
		expect(await proofIn(text)).toBe('panic: this is one line');
		expect(await proofIn(line('panic: cut off here', 'stderr', 'P'))).toBe('panic: cut off here');
	});

	test('is printable, and no longer than a line', async () => {
		expect(await proofIn('panic: \u001b[31mred\u202e\n\ngoroutine 1 [running]:\n')).toBe('panic: \\x1b[31mred\\u{202e}');
		expect(await proofIn(`panic: ${'x'.repeat(10_000)}\n\ngoroutine 1 [running]:\n`)).toHaveLength(500);
	});

	test('is none where a process only fails, is killed, or says that it ends', async () => {
		expect(await proofIn('')).toBeUndefined();
		expect(await proofIn('[ERROR] no panic here, all is well\n')).toBeUndefined();
		expect(await proofIn('Get signal to exit\n')).toBeUndefined();
		expect(
			await proofIn('SIGNAL CATCH BY NON-GO SIGNAL HANDLER\nSIGNO: 11; SIGNAME: Segmentation fault; SI_CODE: 1; SI_ADDR: 0x10\n'),
		).toBeUndefined();
	});

	test('is found where it stands in a log that is long', async () => {
		const filler = '2026-11-23T06:25:58.1Z stdout F [INFO] [node.go:421] ["all is well"]\n'.repeat(20_000); // over a megabyte
		const proof = line('panic: far behind') + line('') + line('goroutine 1 [running]:');
		expect(await proofIn(filler + proof)).toBe('panic: far behind');
		expect(await proofIn(filler + proof + filler)).toBe('panic: far behind');
		expect(await proofIn(proof + filler + line('panic: later') + line('') + line('goroutine 1 [running]:'))).toBe('panic: far behind');
		expect(await proofIn(filler)).toBeUndefined();
		// At any place of the border between two windows.
		for (let shift = 0; shift < 120; shift += 7) {
			const before = filler.slice(0, (256 << 10) - 60 + shift).replace(/[^\n]*$/, '');
			expect(await proofIn(`${before}${'x'.repeat(shift)}\n${proof}${filler}`)).toBe('panic: far behind');
		}
		expect(await proofIn('x'.repeat(1 << 20))).toBeUndefined();
	});
});
