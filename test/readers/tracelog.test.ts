import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lastTimeIn, looksLikeText, readTraceLog, statementOfAbort, type TraceLog } from '../../src/readers/tracelog/tracelog.ts';

const folder = join(import.meta.dirname, '../fixtures/traces');
const names = readdirSync(folder)
	.filter((name) => name.endsWith('.log'))
	.sort();
const trace = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8');

type Expected = { readonly id: string; readonly culprit: string | null; readonly acceptable: readonly string[] };
const expected: readonly Expected[] = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));

test('the last time that a log tells is that of its runtime or of its logger', () => {
	const times = {
		'2026-05-04T10:11:12.123456789Z stderr F panic: x\n2026-05-04T10:11:13.5Z stderr F y': '2026-05-04T10:11:13.500Z',
		'{"log":"panic\\n","time":"2022-03-21T02:31:53.938962678Z"}': '2022-03-21T02:31:53.938Z',
		'[2026/03/10 09:43:57.003 +08:00] [INFO] x\npanic: y': '2026-03-10T01:43:57.003Z',
	};
	for (const [text, time] of Object.entries(times)) expect(new Date(lastTimeIn(text) ?? 0).toISOString()).toBe(time);
	expect(lastTimeIn('2026-05-04 10:11:12 no zone')).toBeUndefined();
	expect(lastTimeIn('2026-99-04T10:11:12Z')).toBeUndefined();
});

describe('of each trace the statements and stacks are found', () => {
	test('as the golden file shows them', async () => {
		const text = names.map((name) => `${name}\n${shown(readTraceLog(readFileSync(join(folder, name), 'utf8')))}`).join('\n');
		await expect(text).toMatchFileSnapshot(join(folder, 'found.txt'));
	});

	// Not in the text: a person named it.
	const unseen = new Set(['mt-025']);
	for (const { id, culprit, acceptable } of expected.filter((one) => one.culprit !== null && !unseen.has(one.id))) {
		test(`with what is to blame for ${id}`, () => {
			const { statements, stacks } = readTraceLog(trace(id));
			const words = [
				...stacks.flatMap(({ frames }) => frames.flatMap((frame) => [frame.function ?? '', `${frame.file}:${frame.line}`])),
				...statements.map((statement) => JSON.stringify(statement)),
				...statements.flatMap((statement) =>
					'source' in statement && statement.source ? [`${statement.source.file}:${statement.source.line}`] : [],
				),
			];
			expect(words.some((word) => [culprit, ...acceptable].some((name) => word.includes(name as string)))).toBe(true);
		});
	}
});

describe('whatever was put around the lines, the same is found', () => {
	const log = '[2026/03/10 09:43:57.003 +00:00] [DEBUG] [global_rmq.go:72] ["Close Rocksmq!"] [n=1]';
	const stamp = '2026-03-06T02:46:16.375486422Z';
	const wraps: Readonly<Record<string, (lines: readonly string[]) => readonly string[]>> = {
		'carriage returns': (lines) => lines.map((line) => `${line}\r`),
		'byte-order mark': ([first, ...rest]) => [`\ufeff${first}`, ...rest],
		colours: (lines) => lines.map((line) => `\x1b[31m${line}\x1b[0m`),
		'docker JSON': (lines) => lines.map((line) => JSON.stringify({ log: `${line}\n`, stream: 'stderr', time: stamp })),
		'docker JSON with spaces': (lines) =>
			lines.map((line) => JSON.stringify({ log: `${line}\n`, stream: 'stderr' }).replaceAll('":"', '": "')),
		'docker JSON in pieces': (lines) =>
			lines.flatMap((line) =>
				[line.slice(0, 9), `${line.slice(9)}\n`].map((log) => JSON.stringify({ log, stream: 'stderr', time: stamp })),
			),
		CRI: (lines) => lines.map((line) => `${stamp} stderr F ${line}`),
		'CRI in pieces': (lines) =>
			lines.flatMap((line) => [`${stamp} stderr P ${line.slice(0, 7)}`, `${stamp} stdout F ${log}`, `${stamp} stderr F ${line.slice(7)}`]),
		syslog: (lines) => lines.map((line) => `Sep 10 22:36:37 node-1 milvus[123225]: ${line}`),
		'journalctl -o short-iso': (lines) => lines.map((line) => `2024-09-10T22:36:37+0800 node-1 milvus[1]: ${line}`),
		'kubectl logs --timestamps': (lines) => lines.map((line) => `${stamp} ${line}`),
		'kubectl logs --prefix': (lines) => lines.map((line) => `[pod/milvus-querynode-0/querynode] ${line}`),
		'docker compose': (lines) => lines.map((line) => `milvus-standalone  | ${line}`),
		"a viewer's numbers": (lines) => lines.map((line, index) => ` ${index + 297} ${line}`),
		"a viewer's times above": (lines) => lines.flatMap((line) => ['2026-03-15 23:02:06.109\t', line]),
		"a viewer's times in front": (lines) => lines.map((line) => `2026-03-15 23:02:06.109\t${line}`),
		'quotation marks': (lines) => ['Look:', ...lines.map((line) => `> ${line}`)],
		'code fences': (lines) => ['```', ...lines, '```'],
		'lines of other threads': (lines) =>
			lines.flatMap((line) => [line, log, 'I20240910 22:36:37.688453 123316 pool.h:60] [KNOWHERE] done']),
		'lines of Rust loggers': (lines) => lines.flatMap((line) => [line, '[2026-03-15T08:49:03Z INFO  tantivy::directory] Garbage collect']),
		'blank lines': (lines) => lines.flatMap((line) => [line, '']),
		'a narrow column': (lines) => lines.flatMap((line) => line.match(/.{1,60}/g) ?? ['']),
	};
	const samples = ['real-go-nil', 'real-go-cgo', 'real-go-recovered', 'mt-001', 'mt-016', 'mt-029', 'mt-057', 'mt-082', 'real-eu-stack'];
	for (const [name, wrap] of Object.entries(wraps)) {
		test(name, () => {
			// What is wrapped shows only in texts with some long lines.
			for (const sample of name === 'a narrow column' ? ['real-go-cgo', 'mt-016', 'mt-029', 'mt-057', 'mt-082'] : samples) {
				const text = trace(sample).replace(/\n+$/, '').split('\n');
				expect(content(readTraceLog(wrap(text).join('\n'))), sample).toEqual(content(readTraceLog(text.join('\n'))));
			}
		});
	}

	test('the number of a line is its number in the log', () => {
		const { statements, stacks } = readTraceLog(
			`${`${log}\n`.repeat(7)}${log}panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1`,
		);
		expect([statements[0]?.at, stacks[0]?.at]).toEqual([8, 10]);
	});
});

const stacksOf = (text: string) =>
	readTraceLog(text).stacks.map(({ kind, id, name, frames }) => ({
		kind,
		...(id !== undefined && { id }),
		...(name !== undefined && { name }),
		frames: frames.map(({ function: name, module, offset, file, line, pc }) =>
			[pc, name, module && `(${module}${offset ? `+${offset}` : ''})`, file && `${file}:${line}`].filter(Boolean).join(' '),
		),
	}));

describe('stacks of each format', () => {
	const cases: readonly (readonly [format: string, text: string, stacks: unknown])[] = [
		[
			'lldb',
			"* thread #1, name = 'milvus', stop reason = signal SIGSEGV: address not mapped to object (fault address: 0x8)\n  * frame #0: 0x0000555555556ae4 milvus`milvus::f(this=0x0000000000000008, n=3) at a.cpp:17:9\n    frame #1: 0x00007ffff7a59fb2 libc.so.6`abort + 299",
			[{ kind: 'native', name: 'milvus', frames: ['0x555555556ae4 milvus::f (milvus) a.cpp:17', '0x7ffff7a59fb2 abort (libc.so.6)'] }],
		],
		[
			'coredumpctl',
			'       Message: Process 123 (milvus) of user 0 dumped core.\n\n                Stack trace of thread 12:\n                #0  0x00007f0000000f16 n/a (libknowhere.so + 0x123)\n                #1  0x00007f0000000f26 abort (libc.so.6 + 0x22)',
			[{ kind: 'native', id: 12, frames: ['0x7f0000000f16 (libknowhere.so+0x123)', '0x7f0000000f26 abort (libc.so.6+0x22)'] }],
		],
		[
			'folly',
			"*** Aborted at 1700000000 (Unix time, try 'date -d @1700000000') ***\n*** Signal 11 (SIGSEGV) (0x10) received by PID 7 (pthread TID 0x7f12) (linux TID 99) (code: address not mapped to object), stack trace: ***\n    @ 00000000004a0f5f milvus::f(int)\n                       /src/milvus/a.cpp:12\n    @ 00000000004a0f6f (unknown)",
			[{ kind: 'native', id: 99, frames: ['0x4a0f5f milvus::f(int) /src/milvus/a.cpp:12', '0x4a0f6f'] }],
		],
		[
			'glog',
			'*** Aborted at 1700000000 (unix time) try "date -d @1700000000" ***\nPC: @     0x55d0000000ab milvus::f()\n*** SIGSEGV (@0x10) received by PID 1 (TID 0x7f00) from PID 16; stack trace: ***\n    @     0x7f0000000140 (unknown)\n    @     0x55d0000000ab milvus::f()\n    @                0x0 (unknown)',
			[{ kind: 'native', frames: ['0x7f0000000140', '0x55d0000000ab milvus::f()'] }],
		],
		[
			'abseil',
			'*** SIGSEGV received at time=1700000000 on cpu 3 ***\nPC: @     0x55d0000000ab  (unknown)  milvus::f()\n    @     0x7f0000000140  (unknown)  (unknown)\n    @     0x55d0000000ab        112  milvus::f()\n    @     0x55d0000000cd         64  (unknown)',
			[{ kind: 'native', frames: ['0x7f0000000140', '0x55d0000000ab milvus::f()', '0x55d0000000cd'] }],
		],
		[
			'Milvus 1',
			'2021-03-02 09:41:02,103 | INFO | default | [SERVER] Call stack:\n2021-03-02 09:41:02,104 | INFO | default | [SERVER] /lib64/libc.so.6(+0x363b0) [0x7f0ad6a4c3b0]\n2021-03-02 09:41:02,104 | INFO | default | [SERVER] /bin/milvus_server(_Z1fv+0x1c) [0xd8ce96]',
			[{ kind: 'native', frames: ['0x7f0ad6a4c3b0 (/lib64/libc.so.6+0x363b0)', '0xd8ce96 _Z1fv (/bin/milvus_server)'] }],
		],
		[
			'Milvus 1 with the names of its functions and threads',
			'[2020-05-11 17:44:12,011][INFO][SERVER][PrintStacktrace][taskloader_th] Call stack:\n[2020-05-11 17:44:12,012][INFO][SERVER][PrintStacktrace][taskloader_th] /bin/milvus_server(_Z1fv+0x1c) [0xd8ce96]\n[2020-05-11 17:44:12,012][INFO][SERVER][PrintStacktrace][taskloader_th] /bin/milvus_server() [0xd8ce97]',
			[{ kind: 'native', frames: ['0xd8ce96 _Z1fv (/bin/milvus_server)', '0xd8ce97 (/bin/milvus_server)'] }],
		],
		[
			'pstack',
			'Thread 2 (Thread 0x7f2c (LWP 12)):\n#0  0x00007f2c in pthread_cond_wait@@GLIBC_2.3.2 () from /lib64/libpthread.so.0\nThread 1 (LWP 11):\n#0  0x00007f2d in ?? ()\n#1  <signal handler called>\n#2  milvus::g (this=0x0,\n    name="a (b) at c:1") at b.cpp:3',
			[
				{ kind: 'native', id: 12, frames: ['0x7f2c pthread_cond_wait@@GLIBC_2.3.2 (/lib64/libpthread.so.0)'] },
				{ kind: 'native', id: 11, frames: ['0x7f2d', '<signal handler called>', 'milvus::g b.cpp:3'] },
			],
		],
		[
			'eu-stack -m',
			'TID 7:\n#0  0x00007ffff7cd44a3 - libstdc++.so.6\n#1  0x00007ffff7aa71f5 start_thread - libc.so.6',
			[{ kind: 'native', id: 7, frames: ['0x7ffff7cd44a3 (libstdc++.so.6)', '0x7ffff7aa71f5 start_thread (libc.so.6)'] }],
		],
		[
			'ThreadSanitizer',
			'WARNING: ThreadSanitizer: data race (pid=7)\n  Write of size 4 at 0x7b04 by thread T1:\n    #0 milvus::f(int) /src/a.cpp:5:3 (milvus+0x12)\n    #1 main /src/m.cpp:1 (milvus+0x13)\n',
			[
				{
					kind: 'native',
					name: 'Write of size 4',
					frames: ['milvus::f(int) (milvus+0x12) /src/a.cpp:5', 'main (milvus+0x13) /src/m.cpp:1'],
				},
			],
		],
		[
			'places above their names',
			'src/a.h:1\n#00 milvus::f(int)\nsrc/b.h:2\n#01 milvus::g(int)\n',
			[{ kind: 'native', frames: ['milvus::f(int) src/a.h:1', 'milvus::g(int) src/b.h:2'] }],
		],
		[
			'two threads in the signal handler at once',
			'BACKTRACE:\nBACKTRACE:\n_Z1fv\n\t/a.cc:1 pc=0x10\n_Z1fv\n\t/a.cc:1 pc=0x10\n_Z1gv\n\t/a.cc:2 pc=0x20\n_Z1gv\n\t/a.cc:2 pc=0x20\n',
			[
				{ kind: 'native', frames: ['0x10 _Z1fv /a.cc:1', '0x20 _Z1gv /a.cc:2'] },
				{ kind: 'native', frames: ['0x10 _Z1fv /a.cc:1', '0x20 _Z1gv /a.cc:2'] },
			],
		],
		[
			'Go with what it leaves out',
			'goroutine 7 gp=0xc1 m=nil mp=0x2 [chan receive, 5 minutes, locked to thread]:\nmain.(*T[...]).M-fm(...)\n\t/a.go:1\n...additional frames elided...\nnon-Go function\n\t(null):0 pc=0x30\nmain.main()\n\t/a.go:9 +0x1\ncreated by main.start in goroutine 1\n\t/a.go:5 +0x2\n\ngoroutine 8 [running]:\n\tgoroutine running on other thread; stack unavailable\n',
			[{ kind: 'goroutine', id: 7, frames: ['main.(*T[...]).M-fm /a.go:1', '0x30', 'main.main /a.go:9'] }],
		],
		[
			'a debugger with its prompt, all of it indented',
			'    (gdb) bt\n    #0  0x10 in f () from /l.so\n    --Type <RET> for more, q to quit, c to continue without paging--\n    #1  0x20 in main () at m.c:1\n    (gdb) quit',
			[{ kind: 'native', frames: ['0x10 f (/l.so)', '0x20 main m.c:1'] }],
		],
		[
			'a field of a log line while another thread prints its stack',
			'goroutine 1 [running]:\nmain.f()\n\t/a.go:1 +0x1\n[2026/03/10 09:43:57.003 +00:00] [FATAL] [a.go:1] ["no"] [stack="main.g\\n\\t/b.go:2"]\nmain.main()\n\t/a.go:9 +0x1\n',
			[
				{ kind: 'goroutine', id: 1, frames: ['main.f /a.go:1', 'main.main /a.go:9'] },
				{ kind: 'field', frames: ['main.g /b.go:2'] },
			],
		],
		['numbers that count other things', '#12 [stage 2/3] RUN make\n#12 DONE 0.3s\n#13 CACHED\n41660 lines\n', []],
	];
	for (const [format, text, stacks] of cases) test(format, () => expect(stacksOf(text)).toEqual(stacks));
});

describe('statements of each form', () => {
	const cases: readonly (readonly [text: string, statements: readonly unknown[]])[] = [
		['fatal error: all goroutines are asleep - deadlock!', [{ is: 'go fatal error', message: 'all goroutines are asleep - deadlock!' }]],
		['fatal error: unexpected signal during runtime execution', []],
		['SIGABRT: abort\nPC=0x7a42 m=7 sigcode=18446744073709551610\n', [{ is: 'signal', by: 'go', signal: 6, code: -6, pc: '0x7a42' }]],
		['SIGQUIT: quit\nPC=0x7a42 m=7 sigcode=0\n', [{ is: 'signal', by: 'go', signal: 3, code: 0, pc: '0x7a42' }]],
		[
			'SIGNO: 11; SIGNAME: Segmentation fault; SI_CODE: 1; SI_ADDR: (nil)',
			[{ is: 'signal', by: 'handler', signal: 11, code: 1, address: '0x0' }],
		],
		[
			'*** Signal 11 (SIGSEGV) (0x10) received by PID 7 (pthread TID 0x7f) (linux TID 9) (code: address not mapped to object), stack trace: ***',
			[{ is: 'signal', by: 'handler', signal: 11, code: 1, address: '0x10' }],
		],
		[
			'PC: @     0x55d0 f()\n*** SIGSEGV (@0x10) received by PID 1 (TID 0x7f00) from PID 16; stack trace: ***',
			[{ is: 'signal', by: 'handler', signal: 11, address: '0x10', pc: '0x55d0' }],
		],
		['*** SIGBUS received at time=1700000000 on cpu 3 ***', [{ is: 'signal', by: 'handler', signal: 7 }]],
		[
			'2021-03-02 09:41:02,103 | INFO | default | [SERVER] Server received critical signal: 11',
			[{ is: 'signal', by: 'handler', signal: 11 }],
		],
		[
			'[2020-05-11 17:44:12,011][INFO][SERVER][HandleSignal][taskloader_th] Server received critical signal: 11',
			[{ is: 'signal', by: 'handler', signal: 11 }],
		],
		["terminate called after throwing an instance of 'terminate called recursively\n", [{ is: 'exception' }]],
		[
			"terminate called after throwing an instance of 'a::B'\n  what():  one\ntwo\n\n[2026/03/10 09:43:57.003 +00:00] [INFO] [a.go:1] [x]\nother",
			[{ is: 'exception', type: 'a::B', message: 'one\ntwo' }],
		],
		[
			'libc++abi: terminating due to uncaught exception of type std::runtime_error: no: rows',
			[{ is: 'exception', type: 'std::runtime_error', message: 'no: rows' }],
		],
		['libc++abi.dylib: Pure virtual function called!', [{ is: 'assertion', message: 'Pure virtual function called!' }]],
		[
			'Assert "rows > 0" at /go/src/github.com/milvus-io/milvus/internal/core/src/a.cpp:123\n => no rows\n',
			[
				{
					is: 'assertion',
					message: 'rows > 0 => no rows',
					source: { file: '/go/src/github.com/milvus-io/milvus/internal/core/src/a.cpp', line: 123 },
				},
			],
		],
		[
			'F20240101 12:00:00.000000   123 file.cc:12] Check failed: a == b (1 vs. 2) \n*** Check failure stack trace: ***',
			[{ is: 'assertion', message: 'a == b (1 vs. 2)', source: { file: 'file.cc', line: 12 } }],
		],
		[
			"thread 'x' panicked at 'a, 'b'\nc', src/lib.rs:10:5\nnote: run with",
			[{ is: 'rust panic', thread: 'x', message: "a, 'b'\nc", source: { file: 'src/lib.rs', line: 10 } }],
		],
		[
			'{"level":"fatal","ts":"2026-03-10T09:43:57Z","caller":"embed/etcd.go:12","msg":"failed","error":"no \\"disk\\""}',
			[{ is: 'exit', level: 'FATAL', message: 'failed: no "disk"', source: { file: 'embed/etcd.go', line: 12 } }],
		],
		['Program terminated with signal SIGBUS, Bus error.', [{ is: 'signal', by: 'report', signal: 7 }]],
		['ExitCode=139\nOOMKilled=false', [{ is: 'signal', by: 'report', signal: 11 }]],
		['Segmentation fault (core dumped)', [{ is: 'signal', by: 'report', signal: 11 }]],
		['[12345.678901] Memory cgroup out of memory: Killed process 1234 (milvus) total-vm:9kB', [{ is: 'signal', by: 'report', signal: 9 }]],
		[
			'#9  0x015f5b00 in runtime.sighandler (sig=11, info=0xc00) at /usr/local/go/src/runtime/signal_unix.go:780',
			[{ is: 'signal', by: 'report', signal: 11 }],
		],
		['exit code 1', []],
		[
			'unexpected fault address 0x7f00\nfatal error: fault\n[signal SIGBUS: bus error code=0x2 addr=0x7f00 pc=0x10]',
			[{ is: 'signal', by: 'go', signal: 7, code: 2, address: '0x7f00', pc: '0x10' }],
		],
		['[2026/03/10 09:43:57.003 +00:00] [ERROR] [a.go:1] ["failed"] [error="x"] [stack="main.f\\n\\t/a.go:1"]', []],
	];
	for (const [text, statements] of cases) {
		test(text.slice(0, 70), () => expect(readTraceLog(text).statements.map(({ at: _, ...said }) => said)).toEqual(statements));
	}
});

test("the C library's last words are sorted", () => {
	const cases: readonly (readonly [message: string, statement: unknown])[] = [
		['free(): double free detected in tcache 2', { is: 'heap corruption', message: 'free(): double free detected in tcache 2' }],
		['malloc(): corrupted top size\n', { is: 'heap corruption', message: 'malloc(): corrupted top size' }],
		['*** stack smashing detected ***: terminated', { is: 'heap corruption', message: 'stack smashing detected' }],
		["*** Error in `./milvus': corrupted double-linked list: 0x01 ***", { is: 'heap corruption', message: 'corrupted double-linked list' }],
		["prog: file.c:12: fn: Assertion `x' failed.", { is: 'assertion', message: 'x', function: 'fn', source: { file: 'file.c', line: 12 } }],
		[
			"milvus: malloc.c:2617: sysmalloc: Assertion `(old_top == initial_top (av))' failed.",
			{ is: 'heap corruption', message: 'sysmalloc: assertion failed: (old_top == initial_top (av))' },
		],
		[
			"/usr/include/c++/12/bits/stl_vector.h:1123: T& std::vector<T>::operator[](n): Assertion '__n < this->size()' failed.",
			{
				is: 'assertion',
				message: '__n < this->size()',
				function: 'T& std::vector<T>::operator[](n)',
				source: { file: '/usr/include/c++/12/bits/stl_vector.h', line: 1123 },
			},
		],
		['something else', undefined],
	];
	for (const [message, statement] of cases) expect(statementOfAbort(message), message).toEqual(statement);
});

describe('nothing makes it fail', () => {
	for (const sample of ['real-go-nil', 'real-rust-open', 'mt-013', 'mt-040', 'mt-067', 'mt-077', 'mt-083', 'real-cpp-exception']) {
		test(`a text that is cut anywhere loses only its end: ${sample}`, () => {
			const bytes = readFileSync(join(folder, `${sample}.log`));
			const whole = readTraceLog(bytes.toString());
			for (let length = 0; length < bytes.length; length++) {
				const { statements, stacks } = readTraceLog(bytes.subarray(0, length).toString());
				expect(statements.length, `${length}`).toBeLessThanOrEqual(whole.statements.length);
				expect(stacks.length, `${length}`).toBeLessThanOrEqual(whole.stacks.length);
				expect(statements.slice(0, -2)).toEqual(whole.statements.slice(0, Math.max(0, statements.length - 2)));
				for (const [index, { frames }] of stacks.entries()) {
					const known = whole.stacks[index]?.frames.slice(0, Math.max(0, frames.length - 2)) ?? [];
					if (sample !== 'mt-040') expect(frames.slice(0, -2), `${length}`).toEqual(known); // that a text is wrapped shows only in enough of it
				}
			}
		});
	}

	test('random bytes, and known words in any order', () => {
		let seed = 7;
		const random = (below: number) => {
			seed = (seed * 1103515245 + 12345) % 2 ** 31;
			return Math.floor((seed / 2 ** 31) * below);
		};
		const words = names.flatMap((name) => trace(name.slice(0, -4)).split(/(?<=[ \n:[("])/)).slice(0, 4000);
		for (let round = 0; round < 200; round++) {
			readTraceLog(Buffer.from(Array.from({ length: 500 }, () => random(256))).toString('latin1'));
			readTraceLog(Array.from({ length: 200 }, () => words[random(words.length)]).join(''));
		}
	});

	test('a million lines of ordinary logs hold nothing, and take seconds', () => {
		const lines = [
			'[2026/03/10 09:43:57.003 +00:00] [INFO] [datacoord/services.go:932] ["append channelInfo"] [channel=by-dev-rootcoord-dml_5_457682683718935776v0]',
			'segment 419487809892749907 was loaded (12 ms, 3 files) from /var/lib/milvus/data/cache:30 by worker 7',
			'2026-03-06T02:46:16.375486422+08:00 stdout F [2026/03/05 01:59:16.375 +00:00] [WARN] [conc/options.go:54] ["slow"] [n=7]',
		];
		const start = performance.now();
		expect(readTraceLog(`${lines.join('\n')}\n`.repeat(333_334))).toEqual({ statements: [], stacks: [] });
		expect(performance.now() - start).toBeLessThan(15_000);
	}, 30_000);

	test('lines made to be slow are read in time', () => {
		const start = performance.now();
		const repeated = [
			'a:1',
			'(',
			' (',
			') at ',
			'](http',
			'[20',
			'"\\',
			'1:1',
			'Assert "x" at ',
			"', ",
			'.(',
			'{"log":"',
			'\x1b[',
			'<',
			' 0x1',
		];
		for (const piece of repeated) {
			for (const head of [
				'',
				'#1 0x1 in ',
				"thread '' panicked at '",
				'what():  Assert "',
				'[2026/03/10 09:43:57.003 +00:00] [ERROR] [',
				'\t/a',
			]) {
				readTraceLog(head + piece.repeat(200_000 / piece.length));
				readTraceLog(`${head}${piece}\n`.repeat(5_000));
			}
		}
		expect(performance.now() - start).toBeLessThan(20_000);
	}, 60_000);

	const shapes: readonly (readonly [start: string, repeated: string, end?: string])[] = [
		['#1 0x12 in a /', '.:1', ':1x'],
		['#1 a b ', '/', ':1x:1x'],
		['#1 a b ////', ':1x'],
		['#1 a b', ' /a:1 ('],
		['#1 a', ' operator', ' \r x'],
		['frame #1: 0x1 m`a', '(a=', '\r x'],
		['*** Signal 11 (SIGSEGV) (0x10) received by PID 7 ', '(code: '],
		['*** Signal 11 (SIGSEGV) (0x10) received by PID 7 ', '(linux TID 1)'],
		['*** SIGSEGV (@0x10) received by PID 1 ', '(TID 1)'],
		['signal SIG', 'A', ' code='],
		['goroutine 1 [a', ', ', '\r]:'],
		["thread 'a", "' panicked at '"],
		["thread 'a' panicked at 'a", "', "],
		['libc++abi: terminating due to uncaught exception of type a', ': ', '\r x'],
		['==1==ERROR: AddressSanitizer: heap', 'a', ' \r x'],
		['#1 0x1 in __assert_fail (assertion=', 'file=0x1 <'],
		['', 'Assert "'],
		['what(): ', 'Assert "'],
		['a.c:1: ', ": Assertion '"],
		['Assertion failed: (', '), function a'],
		["Faiss assertion '", "' failed in "],
	];
	for (const [start, repeated, end = ''] of shapes) {
		// Superlinear expressions take minutes for it.
		test(`sixty-four long lines are read at once: ${start}${repeated}…`, () => {
			readTraceLog(`${start}${repeated.repeat((256 << 10) / repeated.length)}${end}\n`.repeat(64));
			readTraceLog(`${start}${repeated.repeat((8000 - start.length) / repeated.length)}${end}\n`.repeat(64));
		}, 5_000);
	}

	test('a frame in many pieces is not read again for each of them without end', () => {
		const pieces = `    a=${'/'.repeat(4000)}\n`.repeat(63);
		expect(readTraceLog(`#0  0x1 in f (\n${pieces}`.repeat(40)).stacks.length).toBeGreaterThan(0);
	}, 5_000);

	test('what is kept of a log of nothing but stacks or statements is bounded, and its beginning and end are there', () => {
		const many = <One>(count: number, line: (index: number) => One) => Array.from({ length: count }, (_, index) => line(index)).join('');
		const apart = readTraceLog(many(50_000, (index) => `#0 0x${index} in a::b\n`));
		expect([apart.stacks.length, apart.leftOut]).toEqual([2000, 48_000]);
		expect([apart.stacks[0]?.at, apart.stacks[999]?.at, apart.stacks[1000]?.at, apart.stacks.at(-1)?.at]).toEqual([
			1, 1000, 49_001, 50_000,
		]);

		const deep = readTraceLog(many(50, () => `stack:\n${many(5000, (index) => `#${index} 0x${index} in a::b\n`)}`)).stacks;
		expect(deep.map(({ frames }) => frames.length)).toEqual(Array(10).fill(2000));
		expect(deep.map(({ frames }) => frames.at(-1)?.pc)).toEqual(Array(10).fill('0x4999'));

		const field = `[2024/01/01 00:00:00.000 +00:00] [FATAL] [a.go:1] ["${'no '.repeat(9000)}"] [stack="${'a.b\\n'.repeat(9000)}"]\n`;
		const logged = readTraceLog(field.repeat(40));
		expect(logged.stacks.map(({ frames }) => frames.length)).toEqual(Array(10).fill(2000));
		expect(logged.statements.map((one) => 'message' in one && one.message?.length)).toEqual(Array(40).fill(4096));

		const { statements } = readTraceLog(many(5000, (index) => `panic: ${index}\n\n`));
		expect([statements.length, statements[0], statements.at(-1)]).toMatchObject([1000, { message: '0' }, { message: '4999' }]);
	}, 20_000);

	test('log lines that are glued to each other are told apart, however many', () => {
		const start = '[2024/01/01 00:00:00.000 +00:00] [';
		expect(readTraceLog(start.repeat(8000))).toEqual({ statements: [], stacks: [] });
		const fatal = `${start}FATAL] [a.go:1] [no]`;
		const { statements } = readTraceLog(`[20 rows]${start}INFO] [a.go:1] [x]panic: one${fatal}${fatal}`);
		expect(statements.map((one) => 'message' in one && one.message)).toEqual(['one', 'no', 'no']);
	});
});

test('a log is told from a core', () => {
	expect(looksLikeText(Buffer.from('panic: no\n\ngoroutine 1 [running]:\n'))).toBe(true);
	expect(looksLikeText(Buffer.from('\x1b[31m日志\n'))).toBe(true);
	for (const bytes of [[0x7f, 0x45, 0x4c, 0x46, 2], [0x28, 0xb5, 0x2f, 0xfd], [0x1f, 0x8b, 8], [65, 0, 66], [1, 2, 3], []]) {
		expect(looksLikeText(Buffer.from(bytes))).toBe(false);
	}
});

const content = ({ statements, stacks }: TraceLog) => ({
	statements: statements.map(({ at: _, ...rest }) => rest),
	stacks: stacks.map(({ at: _, isCut: __, ...rest }) => rest),
});

/** A line for each statement and stack, and its first frames. */
function shown({ statements, stacks }: TraceLog): string {
	const said = statements.map(({ at, is, ...rest }) => `\t${at} ${is} ${JSON.stringify(rest)}`);
	const stood = stacks.flatMap(({ at, kind, id, name, state, isCut, frames }) => [
		`\t${at} ${[kind, id, name, state && `[${state}]`].filter((word) => word !== undefined).join(' ')}, ${frames.length} frames${isCut ? ', cut' : ''}`,
		...frames
			.slice(0, 4)
			.map((frame) =>
				[
					`\t\t${frame.function ?? '?'}`,
					frame.inlined && '(inlined)',
					frame.file && [frame.file, frame.line].filter(Boolean).join(':'),
					frame.module && [frame.module, frame.offset].filter(Boolean).join('+'),
					frame.pc,
				]
					.filter(Boolean)
					.join(' '),
			),
	]);
	return [...said, ...stood].map((line) => `${line}\n`).join('');
}
