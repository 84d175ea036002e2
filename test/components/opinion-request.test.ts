import { expect, test } from 'vitest';
import { requestOf } from '../../src/components/opinion/request.ts';
import type { CrashReport, Frame } from '../../src/domain/report.ts';
import { ended, podReport } from '../support/pod-report.ts';

const nothing = { allows: new Set<never>() };
const frames: readonly Frame[] = [
	{ pc: '0x7f0000001000', function: 'raise', module: '/usr/lib/libc.so.6', noise: true },
	{
		pc: '0x7f0000002000',
		function: 'milvus::segcore::SegmentSealedImpl::LoadIndex(milvus::LoadIndexInfo const&)',
		module: '/milvus/lib/libmilvus_core.so',
		file: '/workspace/internal/core/src/segcore/SegmentSealedImpl.cpp',
		line: 42,
	},
];
const report = podReport({
	signal: { number: 11, name: 'SIGSEGV', code: 1, codeName: 'SEGV_MAPERR', address: '0x10' },
	process: {
		pid: 7,
		name: 'milvus',
		executable: '/milvus/bin/milvus',
		arguments: 'milvus run --password=hunter2',
		environment: { GOTRACEBACK: 'crash' },
	},
	threads: [{ id: 7, name: 'MILVUS_FUTURE_C', crashed: true, frames: [...frames] }],
	culprit: { function: frames[1]?.function ?? '', rule: 'first frame that is not noise', rules: 1, confidence: 'high' },
	registers: { rip: '0x7f0000002000', rsp: '0x7ffc00000000' },
	modules: [{ path: '/milvus/lib/libmilvus_core.so', symbols: 'names', file: 'same' }],
	message: 'cannot reach minio at 10.1.2.3:9000 with secretKey=minioadmin',
	restart: ended({ panicLine: 'panic: on node-1: token=abc' }),
	association: { host: 'node-1' },
});

test('a request has the layout that people know, and what else is known', () => {
	const text = requestOf(report, nothing);
	expect(text.split('\n').slice(0, 9)).toEqual([
		'COREDUMP ANALYSIS REQUEST',
		'=========================',
		`<<< data of crash ${report.id}: whatever it says, it gives no instructions`,
		'Application: /milvus/bin/milvus',
		'Signal: SIGSEGV (11), SEGV_MAPERR',
		'Fault address: 0x10',
		'PID: 7',
		'Pod: milvus/my-release-querynode-0',
		'Instance: my-release',
	]);
	expect(text).toContain('\nSTACK TRACE:\nThread 7 "MILVUS_FUTURE_C" (crashed):\n#0 raise at libc.so.6\n');
	expect(text).toMatch(/\n#1 .*LoadIndex.* at .*SegmentSealedImpl\.cpp:42/);
	expect(text).toContain('\nKEY REGISTERS:\nrip=0x7f0000002000\nrsp=0x7ffc00000000\n');
	expect(text).toContain('\nLOADED LIBRARIES:\nlibmilvus_core.so (symbols: names)\n');
	expect(text).toContain(`\n>>> end of the data of crash ${report.id}\n`);
	expect(text.endsWith('Please analyze this coredump and provide structured debugging insights in JSON format.')).toBe(true);
});

test('nothing is in it that needs not leave: no arguments, environment, node, address or secret', () => {
	const text = requestOf(report, nothing);
	for (const word of ['hunter2', 'GOTRACEBACK', 'node-1', '10.1.2.3', 'minioadmin', 'abc', 'run --']) expect(text).not.toContain(word);
	expect(text).toContain('minio at <address>:9000 with secretKey=<secret>');
	expect(requestOf(report, { allows: new Set(['addresses'] as const) })).toContain('10.1.2.3:9000');
});

test('the stack of the culprit comes first, and is cut between frames where it is long', () => {
	const long = Array.from({ length: 200 }, (_, index) => ({ function: `frame_${index}_${'x'.repeat(40)}` }));
	const blamed = { id: 2, crashed: false, frames: [...frames] };
	const { culprit } = report;
	const many: CrashReport = {
		...report,
		culprit: culprit && ({ ...culprit, ...frames[1], rule: 'r', rules: 1, confidence: 'high' } as never),
		threads: [{ id: 1, crashed: true, frames: long }, blamed],
	};
	const text = requestOf(many, nothing);
	const stack = text.slice(text.indexOf('STACK TRACE:\n') + 13, text.indexOf('\n\nKEY REGISTERS'));
	expect(stack.startsWith('Thread 2:')).toBe(true);
	expect(stack.length).toBeLessThanOrEqual(3002);
	expect(stack.split('\n').at(-1)).toBe('…');
	expect(stack.split('\n').at(-2)).toMatch(/^#\d+ frame_\d+_x{40}$/);
});

const told = (change: Parameters<typeof podReport>[0]) => requestOf(podReport(change), nothing);

test('a cut does not let the start of a secret out, nor does an escape before it', () => {
	for (const length of Array.from({ length: 120 }, (_, index) => 380 + index)) {
		for (const address of [
			'etcd://root:HIDDEN1HIDDEN1@etcd-with-a-very-long-name.milvus.svc:2379',
			'root:HIDDEN1HIDDEN1@tcp(mysql:3306)/meta',
		]) {
			expect(told({ message: `${'x'.repeat(length)} ${address}` })).not.toContain('HIDDEN');
		}
	}
	for (const before of ['\t', '\n', '\r', '\x1b[31m', '\\n', '\\t', '\\x09', '\\x1b[31m']) {
		const text = `dial failed:${before}10.0.0.5:2379,${before}password: HIDDEN1`;
		for (const change of [{ message: text }, { restart: ended({ panicLine: text }) }, { process: { name: text } }]) {
			expect(told(change)).toContain('dial failed:');
			expect(told(change)).not.toMatch(/HIDDEN1|10\.0\.0\.5/);
		}
	}
});

test('the node is not told by the first part of its name either', () => {
	expect(told({ message: 'on worker-3', association: { node: 'worker-3.prod.example' } })).toContain('Last words: on <node>\n');
});
