import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyzer } from '../../src/components/analyzer/analyzer.ts';
import { examine } from '../../src/components/collector/collector.ts';
import { normalName } from '../../src/domain/function-name/function-name.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { problemDirectory } from '../support/abrt.ts';
import { analyseCore, gdbFunctions } from '../support/analysis.ts';
import { apportReport } from '../support/apport.ts';
import { type Crash, crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';
import { packings } from '../support/packing.ts';
import { listening } from '../support/telemetry.ts';

const functions = ({ threads }: CrashReport) => threads.map(({ frames }) => frames.map(({ function: name }) => name));

describe('the frame to blame, and the reason in words', () => {
	const cases: readonly (readonly [source: string, kind: string, culprit: string, reason: RegExp])[] = [
		['faults.c', 'null', 'write_null', /^SIGSEGV: access to 0x10 through a null pointer \(offset 16\)$/],
		['faults.c', 'wild', 'write_wild', /^SIGSEGV: access to 0x5eadbeef000, where nothing is mapped$/],
		['faults.c', 'noncanonical', 'write_noncanonical', /^SIGSEGV: an address that no pointer can have/],
		['faults.c', 'readonly', 'write_readonly', /^SIGSEGV: access to 0x[0-9a-f]+, which is mapped without the right to do so/],
		['faults.c', 'callnull', 'call_null', /^SIGSEGV: jump to 0x0, where there is no code/],
		['faults.c', 'abort', 'do_abort', /^SIGABRT: the process called abort\(\)$/],
		['faults.c', 'assert', 'fail_assert', /^SIGABRT: failed assertion: rows == 7$/],
		['faults.c', 'doublefree', 'free_twice', /^SIGABRT: free\(\): double free detected in tcache 2$/],
		['faults.c', 'fpe', 'divide', /^SIGFPE: integer division by zero$/],
		['faults.c', 'bus', 'read_past_file', /^SIGBUS: access to 0x[0-9a-f]+ in a mapped file beyond its end/],
		['faults.c', 'ill', 'trap', /^SIGILL: /],
		['faults.c', 'overflow', 'recurse', /^SIGSEGV: stack overflow: access to 0x[0-9a-f]+/],
		['faults.c', 'fifty', 'write_null', /^SIGSEGV: access to 0x10 through a null pointer/],
		['faults.c', 'kill', 'kill_self', /^SIGSEGV: raised by the process itself/],
		['throws.cc', 'member', 'engine::Index<float>::Deserialize', /^SIGSEGV: access to 0x10 through a null pointer/],
		[
			'throws.cc',
			'throw',
			'engine::ThrowUncaught',
			/^SIGABRT: a C\+\+ exception that nobody caught: std::runtime_error: segment 42 is not loaded$/,
		],
		[
			'throws.cc',
			'noexcept',
			'engine::ThrowUncaught',
			/^SIGABRT: a C\+\+ exception that nobody caught: std::runtime_error: segment 42 is not loaded$/,
		],
		['throws.cc', 'terminate', 'engine::Terminate', /^SIGABRT: std::terminate was called$/],
		[
			'throws.cc',
			'thread',
			'engine::ThrowUncaught',
			/^SIGABRT: a C\+\+ exception that nobody caught: std::runtime_error: segment 42 is not loaded$/,
		],
		['throws.cc', 'purecall', 'engine::Base::Call', /^SIGABRT: a pure virtual function was called$/],
	];
	for (const [source, kind, culprit, reason] of cases) {
		crashTest(`${source} ${kind}: ${culprit}`, async () => {
			await using crashed = await crash(await program(source), [kind]);
			const report = await analyseCore(crashed.core);
			expect(report.culprit).toMatchObject({
				function: culprit,
				module: await program(source),
				confidence: kind === 'doublefree' ? 'low' : 'high',
			});
			expect(report.culprit?.file).toMatch(new RegExp(`${source.replace('.', '\\.')}$`));
			const line = readFileSync(report.culprit?.file ?? '', 'utf8').split('\n')[(report.culprit?.line ?? 0) - 1];
			expect(line).toContain(culprit.replace(/.*::/, ''));
			expect(report.reason).toMatch(reason);
			expect(report).toMatchObject({ complete: 'yes', stack: 'agent+gdb', notes: [] });

			const alone = await analyseCore(crashed.core, { gdb: undefined });
			const { kind: kindOfDeath, reason: told, message, looseFingerprint } = report;
			expect(alone).toMatchObject({ stack: 'agent', notes: [], kind: kindOfDeath, reason: told, message, looseFingerprint });
			expect(normalName(alone.culprit?.function ?? '')).toBe(normalName(culprit));
			expect(alone.culprit).toMatchObject({ module: await program(source), confidence: report.culprit?.confidence });
		});
	}

	crashTest('a signal from another process is told from one of its own', async () => {
		await using crashed = await crash('/bin/sh', [
			'-c',
			'"$0" wait & sleep 0.3; kill -ABRT $!; wait $!; kill -9 $$',
			await program('faults.c'),
		]);
		const report = await analyseCore(crashed.core);
		expect(report.reason).toMatch(/^SIGABRT: sent by process \d+ \(uid \d+\)$/);
		expect(report.signal?.sender?.pid).not.toBe(report.process.pid);
	});
});

describe('stacks', () => {
	for (const [source, kind] of [
		['faults.c', 'assert'],
		['faults.c', 'fifty'],
		['faults.c', 'overflow'],
		['throws.cc', 'noexcept'],
		['throws.cc', 'thread'],
	] as const) {
		crashTest(`${source} ${kind}: on every thread the frames that gdb prints by itself`, async () => {
			await using crashed = await crash(await program(source), [kind]);
			const report = await analyseCore(crashed.core);
			const expected = await gdbFunctions(crashed.core, await program(source));
			expect(report.threads[0]).toMatchObject({ crashed: true });
			expect(functions(report)).toEqual(expected.map((names) => names.slice(0, 200)));
			expect(report.threads[0]?.omittedFrames ?? 0).toBe(Math.max(0, (expected[0]?.length ?? 0) - 200));
		});
	}

	for (const flags of [
		['-g', '-no-pie'],
		['-g', '-O2', '-static'],
		['-g', '-O0'],
	]) {
		crashTest(`of a program built with ${flags.join(' ')}`, async () => {
			await using crashed = await crash(await program('faults.c', flags), ['doublefree']);
			const report = await analyseCore(crashed.core);
			expect(report.culprit).toMatchObject({ function: 'free_twice', file: expect.stringMatching(/faults\.c$/) });
			expect(functions(report)[0]).toEqual((await gdbFunctions(crashed.core, await program('faults.c', flags)))[0]);
		});
	}

	crashTest('of a stripped program have its offset, by which its symbols can be found, and the report says how to give them', async () => {
		await using crashed = await crash(await program('faults.c', ['-g', '-O1', '-s']), ['null']);
		const { culprit, modules, notes } = await analyseCore(crashed.core);
		expect(notes).toEqual([
			expect.stringMatching(/faults has no names for all that is in the stack; give its debug information by --symbols/),
		]);
		expect(culprit).toMatchObject({ module: await program('faults.c', ['-g', '-O1', '-s']), rule: 'top frame', confidence: 'medium' });
		expect(culprit?.function).toBeUndefined();
		const { stdout } = await exec('addr2line', ['-f', '-e', await program('faults.c', ['-g', '-O1']), culprit?.offset ?? '']);
		expect(stdout).toMatch(/^write_null\n/);
		expect(modules.find(({ path }) => path === culprit?.module)).toMatchObject({ symbols: 'names', file: 'same' });
	});

	crashTest('have the registers that the core has', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const { registers, threads } = await analyseCore(crashed.core);
		expect(registers.rip).toBe(threads[0]?.frames[0]?.pc);
	});
});

describe('files that are not those that crashed', () => {
	/** A program of its own, that a test may delete or replace. */
	async function crashCopy(): Promise<Crash & { readonly copy: string }> {
		const folder = await temporaryFolder();
		const copy = join(folder.path, 'faults');
		copyFileSync(await program('faults.c'), copy);
		const crashed = await crash(copy, ['assert']);
		return Object.assign(crashed, {
			copy,
			[Symbol.asyncDispose]: async () => {
				await folder[Symbol.asyncDispose]();
				rmSync(crashed.folder, { recursive: true, force: true });
			},
		});
	}

	crashTest('an executable that was deleted: the stack ends at it, and the report says how to give it', async () => {
		await using crashed = await crashCopy();
		rmSync(crashed.copy);
		const report = await analyseCore(crashed.core);
		expect(report.modules.find(({ path }) => path === crashed.copy)).toMatchObject({ file: 'missing', symbols: 'none' });
		expect(report.notes).toContainEqual(expect.stringContaining(`${crashed.copy} is not here`));
		expect(functions(report)[0]).toContainEqual(expect.stringContaining('abort'));
		expect(report.culprit).toMatchObject({ function: 'fail_assert', rule: 'place of the assertion', confidence: 'medium' });
		const given = await analyseCore(crashed.core, { places: { sysroot: '/', paths: [], executable: await program('faults.c') } });
		expect(given.culprit).toMatchObject({ function: 'fail_assert', confidence: 'high' });
	});

	crashTest('an executable that was replaced by another build is not used', async () => {
		await using crashed = await crashCopy();
		rmSync(crashed.copy);
		copyFileSync(await program('throws.cc'), crashed.copy);
		const report = await analyseCore(crashed.core);
		expect(report.modules.find(({ path }) => path === crashed.copy)).toMatchObject({ file: 'replaced', symbols: 'none' });
		expect(report.notes).toContainEqual(expect.stringContaining('is another build than the one that crashed'));
		expect(report.culprit).toMatchObject({ rule: 'place of the assertion' });
		expect(functions(report)[0]).not.toContain('fail_assert');
		const given = await analyseCore(crashed.core, { places: { sysroot: '/', paths: [], executable: await program('throws.cc') } });
		expect(functions(given)[0]).not.toContain('fail_assert');
	});

	crashTest('a library that was replaced is not used; what lies above it is still told', async () => {
		await using folder = await temporaryFolder();
		const [library, main] = [join(folder.path, 'libengine.so.1.2'), join(folder.path, 'main')];
		const build = async (body: string) => {
			writeFileSync(join(folder.path, 'engine.c'), body);
			await exec('gcc', ['-g', '-O0', '-shared', '-fPIC', '-o', library, join(folder.path, 'engine.c')]);
		};
		await build('void search(int *p) { *p = 1; }\n');
		writeFileSync(join(folder.path, 'main.c'), 'void search(int *); int main() { search((int *)8); }\n');
		await exec('gcc', ['-g', '-O0', '-o', main, join(folder.path, 'main.c'), library]);
		await using crashed = await crash(main, []);
		const before = await analyseCore(crashed.core);
		expect(functions(before)[0]).toEqual(['search', 'main']);
		await build('static int pad[100]; void other() { pad[1] = 1; } void search(int *p) { volatile int x[50]; x[3] = 2; *p = x[3]; }\n');
		const after = await analyseCore(crashed.core);
		expect(functions(after)[0]).toEqual([undefined]);
		expect(after.culprit).toMatchObject({ module: library });
		expect(after.notes).toContainEqual(expect.stringContaining(`${library} is another build`));
	});

	crashTest('a root file system of its own is searched by --sysroot', async () => {
		await using crashed = await crashCopy();
		await using sysroot = await temporaryFolder();
		const inside = join(sysroot.path, crashed.copy);
		mkdirSync(join(inside, '..'), { recursive: true });
		copyFileSync(crashed.copy, inside);
		rmSync(crashed.copy);
		const { modules } = await analyseCore(crashed.core, { places: { sysroot: sysroot.path, paths: [] } });
		expect(modules.map(({ file }) => file).sort()).toEqual(['missing', 'missing', 'same']);
	});
});

describe('packed cores', () => {
	for (const { name, encoding, pack } of packings) {
		crashTest(`${name}: the same analysis as of the plain core, and nothing left in the scratch folder`, async () => {
			await using crashed = await crash(await program('faults.c'), ['fifty']);
			await using scratch = await temporaryFolder();
			const plain = await analyseCore(crashed.core);
			const packed = await analyseCore(await pack(crashed.core), { scratch: { path: scratch.path, maxBytes: 1e9 } });
			expect(packed).toMatchObject({
				threads: plain.threads,
				modules: plain.modules,
				culprit: plain.culprit,
				fingerprint: plain.fingerprint,
				complete: 'yes',
			});
			expect(packed.core).toMatchObject({ encoding, uncompressedBytes: plain.core?.sizeBytes });
			expect(packed.score).toEqual(plain.score);
			expect(readdirSync(scratch.path)).toEqual([]);
		});
	}

	crashTest('that do not fit the scratch folder are judged by what they say themselves', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		await exec('zstd', ['-q', crashed.core]);
		await using scratch = await temporaryFolder();
		const report = await analyseCore(`${crashed.core}.zst`, { scratch: { path: scratch.path, maxBytes: 100_000 } });
		expect(report).toMatchObject({ stack: 'none', complete: 'yes', signal: { name: 'SIGSEGV', address: '0x10' } });
		expect(report.notes).toContainEqual(
			expect.stringMatching(/^no stack: the core was not unpacked: there is room for only 100\.0 KB of it in/),
		);
		expect(report.culprit).toMatchObject({ rule: 'program counter', confidence: 'low' });
		expect(readdirSync(scratch.path)).toEqual([]);
	});
});

describe('what others have kept of a crash', () => {
	crashTest('a directory of abrt: the core in it, and what its files tell', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		const path = problemDirectory(join(crashed.folder, 'ccpp-2026-11-23-08:01:22-7'), (core) => copyFileSync(crashed.core, core));
		const report = await analyseCore(path);
		expect(report).toMatchObject({
			core: { path: join(path, 'coredump') },
			time: '2026-11-23T08:01:22.000Z',
			process: { hostPid: 28622, executable: await program('faults.c'), arguments: `${await program('faults.c')} fifty` },
			association: { host: 'node-1.example.org' },
			culprit: { function: 'write_null' },
			stack: 'agent+gdb',
		});
		expect(JSON.stringify(report)).not.toContain('hunter2');
	});

	crashTest('a report of apport: the core in it, and what its fields tell', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		const path = join(crashed.folder, '_milvus_bin_milvus.0.crash');
		const fields = {
			Date: 'Mon Nov 23 08:01:22 2026',
			ExecutablePath: '/milvus/bin/milvus',
			ProcStatus: 'Name:\tmilvus\nPid:\t28622',
			Signal: '11',
		};
		writeFileSync(path, await apportReport(fields, readFileSync(crashed.core)));
		expect(await analyseCore(path)).toMatchObject({
			core: { path, encoding: 'apport' },
			complete: 'yes',
			time: new Date('2026-11-23T08:01:22').toISOString(),
			process: { hostPid: 28622 },
			culprit: { function: 'write_null' },
			stack: 'agent+gdb',
		});
	});

	test('a directory that holds no core is refused', async () => {
		await using folder = await temporaryFolder();
		await expect(analyseCore(folder.path)).rejects.toThrow('is a directory, and none of abrt with a coredump in it');
	});
});

crashTest(
	'without a place to work in there are the stacks of plain cores, and packed ones are judged by what they say themselves',
	async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		await exec('zstd', ['-q', '-k', crashed.core]);
		const unusable = join(crashed.core, 'scratch');
		for (const core of [crashed.core, `${crashed.core}.zst`]) {
			const report = await analyseCore(core, { scratch: { path: unusable, maxBytes: 1e9 } });
			const isPacked = core.endsWith('.zst');
			const signal = { name: 'SIGSEGV', address: '0x10' };
			expect(report).toMatchObject({ stack: isPacked ? 'none' : 'agent', complete: 'yes', signal });
			const [cause] = report.notes;
			expect(cause).toMatch(isPacked ? /^no stack: / : /^gdb added nothing to the stacks: /);
			expect(report.notes).toEqual([expect.stringMatching(/: .*\/scratch can't be used: ENOTDIR.* \(analyzer\.scratchPath\)$/)]);
		}
	},
);

/** A process that ended may wait for its parent to take note of it. */
function isRunning(pid: string): boolean {
	const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
	return stat !== '' && !/\) [ZX] /.test(stat);
}

crashTest('names of Go are spelt as Go spells them, whatever gdb takes them for', async () => {
	await using crashed = await crash(await program('goname.c', ['-O1', '-rdynamic', '-s']), []);
	expect(functions(await analyseCore(crashed.core))[0]?.[0]).toBe('bytes.Count');
});

describe('a debugger that fails leaves the stacks as they are without it, and the report says so', () => {
	const bad: readonly (readonly [name: string, script: string, note: RegExp])[] = [
		[
			'hangs, with a child',
			'sleep 1000 & echo $! >"$0.child"; sleep 1000',
			/^gdb added nothing to the stacks: gdb did not finish within 1 s$/,
		],
		[
			'hangs and heeds no signal',
			'trap "" TERM INT HUP; while :; do sleep 0.05; done',
			/^gdb added nothing to the stacks: gdb did not finish within 1 s$/,
		],
		['dies', 'kill -SEGV $$', /^gdb added nothing to the stacks: gdb was ended by SIGSEGV$/],
		['prints rubbish', 'echo rubbish >&3; echo sorry >&2', /^gdb added nothing to the stacks: gdb gave no usable answer: sorry$/],
		['prints JSON of another shape', 'echo "{}" >&3', /^gdb added nothing to the stacks: gdb gave no usable answer$/],
		['prints without end', 'yes >&3', /^gdb added nothing to the stacks: gdb wrote more than 64 MiB$/],
		[
			'takes more memory than it may',
			`perl -e 'my $n = 1 << 30; my $x = "a" x $n'`,
			/^gdb added nothing to the stacks: gdb gave no usable answer: Out of memory/,
		],
	];
	for (const [name, script, note] of bad) {
		crashTest(name, async () => {
			await using crashed = await crash(await program('faults.c'), ['fifty']);
			await using folder = await temporaryFolder();
			const gdb = join(folder.path, 'gdb');
			writeFileSync(gdb, `#!/bin/bash\n${script}\n`);
			chmodSync(gdb, 0o755);
			const timeoutMs = name.startsWith('hangs') ? 1_000 : 30_000;
			const report = await analyseCore(crashed.core, { gdb: { program: gdb, timeoutMs } });
			expect(report.notes).toContainEqual(expect.stringMatching(note));
			expect(report).toMatchObject({
				stack: 'agent',
				culprit: { function: 'write_null' },
				reason: 'SIGSEGV: access to 0x10 through a null pointer (offset 16)',
				signal: { address: '0x10' },
			});
			expect(report.threads).toHaveLength(50);
			if (existsSync(`${gdb}.child`)) await expect.poll(() => isRunning(readFileSync(`${gdb}.child`, 'utf8').trim())).toBe(false);
		});
	}

	crashTest('is not installed', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const report = await analyseCore(crashed.core, { gdb: { program: 'there-is-no-such-gdb', timeoutMs: 1_000 } });
		expect(report).toMatchObject({ stack: 'agent', notes: ['gdb added nothing to the stacks: gdb is not installed'] });
	});

	crashTest('stops when it is told to, and leaves nothing', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		await using scratch = await temporaryFolder();
		const stop = new AbortController();
		const analysis = analyseCore(crashed.core, {
			scratch: { path: scratch.path, maxBytes: 1e9 },
			gdb: { program: '/bin/sleep', timeoutMs: 60_000 },
			signal: stop.signal,
			onProgress: (step) => step === 'unwinding' && stop.abort(),
		});
		await expect(analysis).rejects.toThrow();
		expect(readdirSync(scratch.path)).toEqual([]);
	});
});

describe('the sandbox', () => {
	crashTest('runs no code that lies beside the program or in the home directory', async () => {
		await using folder = await temporaryFolder();
		const copy = join(folder.path, 'faults');
		copyFileSync(await program('faults.c'), copy);
		const trap = `import os; os.mkdir(${JSON.stringify(join(folder.path, 'trapped'))})`;
		writeFileSync(`${copy}-gdb.py`, trap);
		writeFileSync(join(folder.path, '.gdbinit'), `python ${trap}`);
		const home = process.env.HOME;
		process.env.HOME = folder.path;
		try {
			await using crashed = await crash(copy, ['null']);
			expect(await analyseCore(crashed.core)).toMatchObject({ culprit: { function: 'write_null' } });
		} finally {
			process.env.HOME = home;
		}
		expect(readdirSync(folder.path)).not.toContain('trapped');
	});

	crashTest('shows a debugger nothing of the environment and the network', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		await using folder = await temporaryFolder();
		const gdb = join(folder.path, 'gdb');
		writeFileSync(gdb, `#!/bin/bash\nenv >"$0.env"; ulimit -a >>"$0.env"; nice >>"$0.env"; readlink /proc/self/ns/net >"$0.net"\n`);
		chmodSync(gdb, 0o755);
		process.env.GLM_API_KEY = 'secret-of-the-agent';
		await analyseCore(crashed.core, { gdb: { program: gdb, timeoutMs: 10_000 } });
		delete process.env.GLM_API_KEY;
		const seen = readFileSync(`${gdb}.env`, 'utf8');
		expect(seen).not.toContain('secret');
		expect(seen).toMatch(/data seg size .* 524288$/m);
		expect(seen).toMatch(/core file size .* 0$/m);
		expect(seen).toMatch(/^19$/m);
		const mayUnshare = await exec('sh', ['-c', 'unshare -n true || unshare -rn true']).then(
			() => true,
			() => false,
		);
		expect(readFileSync(`${gdb}.net`, 'utf8').trim() !== readlinkSync('/proc/self/ns/net')).toBe(mayUnshare);
	});
});

crashTest('the same inputs give the same fingerprint, other places another', async () => {
	await using first = await crash(await program('faults.c'), ['null']);
	await using second = await crash(await program('faults.c'), ['null', 'more']);
	await using other = await crash(await program('faults.c'), ['wild']);
	const fingerprints = await Promise.all([first, second, other].map(async ({ core }) => (await analyseCore(core)).fingerprint));
	expect(fingerprints[0]).toMatch(/^v1:[0-9a-f]{16}$/);
	expect(fingerprints[1]).toBe(fingerprints[0]);
	expect(fingerprints[2]).not.toBe(fingerprints[0]);
});

crashTest('an analysis without a stack has failed', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	await using scratch = await temporaryFolder();
	for (const [sysroot, failed] of [
		['/', 0],
		[scratch.path, 1],
	] as const) {
		const { telemetry } = listening();
		const { event } = await examine(crashed.core, { now: Date.now() });
		const options = {
			places: { sysroot, paths: [] },
			scratch: { path: scratch.path, maxBytes: 1e9 },
			panicKeywords: [],
			knownIssues: [],
		};
		await analyzer({ telemetry, options }).handle(event, new AbortController().signal);
		expect((await telemetry.metrics.analysesFailed.get()).values[0]?.value).toBe(failed);
		expect((await telemetry.metrics.analysesSuccessful.get()).values[0]?.value).toBe(1 - failed);
	}
});
