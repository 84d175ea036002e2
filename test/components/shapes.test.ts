import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { normalName } from '../../src/domain/function-name/function-name.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { analyseCore, analyseLog } from '../support/analysis.ts';
import { type CrashOptions, canSetPattern, crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';

/** As distributions build: the C and C++ libraries check more, and stop the program where a check fails. */
const hardened = ['-g', '-O2', '-D_FORTIFY_SOURCE=2', '-D_GLIBCXX_ASSERTIONS', '-fstack-protector-strong'];
const aborting = ['-O', '-C', 'panic=abort'];
/** Go leaves a core only then; Milvus sets it itself. */
const goEnvironment = { GOTRACEBACK: 'crash' };
const text = 'segment 42 is not loaded';
const nilText = 'runtime error: invalid memory address or nil pointer dereference';

type Answer = {
	readonly culprit: string;
	/** The crash's own, with the address that could not be reached. */
	readonly signal: string;
	/** What the core says; absent: the same. */
	readonly coreSignal?: string;
	readonly kind: CrashReport['kind'];
	readonly message?: string;
	/** What the log adds to a core that does not have it. */
	readonly told?: string;
	readonly confidence?: 'low';
};

const load = { culprit: 'engine::Load', signal: 'SIGSEGV at 0x10', kind: 'fault' } as const;
const abort = { signal: 'SIGABRT', coreSignal: 'SIGABRT (SI_TKILL)' } as const;
const thrown = { ...abort, kind: 'exception' } as const;
const heap = { ...abort, kind: 'heap corruption' } as const;
const panicked = { ...abort, kind: 'rust panic' } as const;

const native: Readonly<Record<string, Answer>> = {
	fault: { ...load, coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x10' },
	'raised again': { ...load, coreSignal: 'SIGSEGV (SI_TKILL)' },
	returned: { ...load, coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x10' },
	'aborted in a handler': { ...load, coreSignal: abort.coreSignal },
	'nested handlers': { ...load, coreSignal: abort.coreSignal },
	'fault in a handler': { ...load, coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x20' },
	'ended by a bystander': { ...load, coreSignal: abort.coreSignal },
	'own type': { ...thrown, culprit: 'engine::ThrowOwn', message: text },
	'own type, short text': { ...thrown, culprit: 'engine::ThrowOwnShort', message: 'no index' },
	'own type, long text': {
		...thrown,
		culprit: 'engine::ThrowOwnLong',
		message: 'there is no index on field 101 of collection 4711',
	},
	number: { ...thrown, culprit: 'engine::ThrowNumber' },
	text: { ...thrown, culprit: 'engine::ThrowText', message: text },
	noexcept: { ...thrown, culprit: 'engine::ThrowOwn', message: text },
	'thrown again': { ...thrown, culprit: 'engine::ThrowAgain', message: text },
	'kept and thrown again': { ...thrown, culprit: 'engine::ThrowKept', message: text },
	'nothing thrown': { ...thrown, culprit: 'engine::ThrowNothing' },
	terminate: { ...thrown, culprit: 'engine::Terminate' },
	'library throws': {
		...thrown,
		culprit: 'engine::ThrowFromLibrary',
		message: 'basic_string::at: __n (which is 30) >= this->size() (which is 3)',
	},
	'joinable thread': { ...thrown, culprit: 'engine::LeaveThread' },
	'double free': { ...heap, culprit: 'engine::DeleteTwice', message: 'free(): double free detected in tcache 2', confidence: 'low' },
	'damaged heap': { ...heap, culprit: 'engine::FreeDamaged', message: 'double free or corruption (out)', confidence: 'low' },
	'smashed stack': { ...heap, culprit: 'engine::SmashStack', message: 'stack smashing detected' },
	fortify: { ...heap, culprit: 'engine::CopyTooMuch', message: 'buffer overflow detected' },
	assertions: { ...abort, culprit: 'engine::ReadPastEnd', kind: 'assertion', told: '__n < this->size()' },
	'pure virtual': { ...abort, culprit: 'engine::Base::Call', kind: 'assertion', told: 'pure virtual method called' },
	'null call': { culprit: 'engine::CallNull', signal: 'SIGSEGV at 0x0', coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x0', kind: 'fault' },
	'at exit': { ...load, coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x10' },
	'local type': { ...load, culprit: 'engine::Visit(int)::Local::Read', coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x10' },
	lambda: { ...load, culprit: 'engine::Each(int)::{lambda(int)#1}::operator()', coreSignal: 'SIGSEGV (SEGV_MAPERR) at 0x10' },
};

const rust: Readonly<Record<string, Answer>> = {
	border: { ...panicked, culprit: 'program::index::compare', told: text },
	twice: { ...panicked, culprit: 'program::index::twice', told: text },
	memory: { ...panicked, culprit: 'program::index::out_of_memory' },
};
const rustAborting: Readonly<Record<string, Answer>> = {
	unwrap: { ...panicked, culprit: 'program::index::unwrap_none', told: 'called `Option::unwrap()` on a `None` value' },
	expect: { ...panicked, culprit: 'program::index::expect_error', told: 'a number: ParseIntError { kind: InvalidDigit }' },
	index: { ...panicked, culprit: 'program::index::out_of_bounds', told: 'index out of bounds: the len is 3 but the index is 5' },
	explicit: { ...panicked, culprit: 'program::index::explicit', told: text },
	memory: { ...panicked, culprit: 'program::index::out_of_memory' },
};

const nil: Answer = { culprit: 'main.readNil', signal: 'SIGSEGV at 0x18', coreSignal: abort.coreSignal, kind: 'go panic', told: nilText };
const inC = { culprit: 'milvus::Read', signal: 'SIGSEGV at 0x10', kind: 'fault' } as const;
const go: Readonly<Record<string, Answer>> = {
	nil,
	panic: { ...abort, culprit: 'main.panicNow', kind: 'go panic', told: text },
	'panic with an error': { ...abort, culprit: 'main.panicWithError', kind: 'go panic', told: text },
	index: { ...abort, culprit: 'main.indexOut', kind: 'go panic', told: 'runtime error: index out of range [7] with length 3' },
	'panic again': nil,
	map: { ...abort, culprit: 'main.writeForever', kind: 'go fatal error', told: 'concurrent map writes' },
	'C fault': { ...inC, coreSignal: abort.coreSignal },
	'C abort': { ...abort, culprit: 'milvus::Give', kind: 'abort' },
	'C throw': { ...thrown, culprit: 'milvus::Throw', message: text },
	'C thread': { ...inC, coreSignal: 'SIGSEGV (SI_TKILL)' },
	'C thread abort': { ...abort, culprit: 'milvus::Give', kind: 'abort' },
};

/** abort() has no effect on process 1, and goes on to an instruction that faults. */
const asFirst = (answer: Answer): Answer => ({
	...answer,
	coreSignal: answer.coreSignal === abort.coreSignal ? 'SIGSEGV (SI_KERNEL)' : 'SIGSEGV (SEGV_MAPERR) at 0x10',
});
const some = (answers: Readonly<Record<string, Answer>>, ...kinds: readonly string[]) =>
	Object.fromEntries(Object.entries(answers).filter(([kind]) => kinds.includes(kind)));
const mapped = (answers: Readonly<Record<string, Answer>>, change: (answer: Answer) => Answer) =>
	Object.fromEntries(Object.entries(answers).map(([kind, answer]) => [kind, change(answer)]));

type Shape = {
	readonly name: string;
	readonly source: string;
	readonly flags?: readonly string[];
	readonly options?: CrashOptions;
	readonly answers: Readonly<Record<string, Answer>>;
};

const shapes: readonly Shape[] = [
	{ name: 'C and C++', source: 'deaths.cc', flags: hardened, answers: native },
	{
		name: 'process 1 of a container',
		source: 'deaths.cc',
		flags: hardened,
		options: { isFirst: true },
		answers: mapped(
			some(native, 'fault', 'raised again', 'aborted in a handler', 'own type', 'terminate', 'double free', 'pure virtual'),
			asFirst,
		),
	},
	{ name: 'Rust', source: 'panics.rs', flags: ['-O'], answers: rust },
	{ name: 'Rust that does not unwind', source: 'panics.rs', flags: aborting, answers: rustAborting },
	{
		name: 'Rust in process 1 of a container',
		source: 'panics.rs',
		flags: aborting,
		options: { isFirst: true },
		answers: mapped(some(rustAborting, 'unwrap'), asFirst),
	},
	{ name: 'Go with C++ in it', source: 'gocrash', options: { environment: goEnvironment }, answers: go },
	{
		name: 'Go with a handler before its own, and fifty goroutines',
		source: 'gocrash',
		options: { environment: { ...goEnvironment, WRAP_HANDLER: '1', GOROUTINES: '50' } },
		answers: some(go, 'nil', 'panic again', 'map', 'C fault', 'C throw', 'C thread'),
	},
];

const signalText = (signal: CrashReport['signal'], withCode: boolean) =>
	signal &&
	[
		signal.name,
		...(withCode && signal.codeName ? [`(${signal.codeName})`] : []),
		...(signal.address === undefined ? [] : ['at', signal.address]),
	].join(' ');

const answerOf = ({ culprit, signal, coreSignal, kind, message }: CrashReport) => ({
	culprit: culprit?.function,
	confidence: culprit?.confidence,
	signal: signalText(signal, false),
	coreSignal: signalText(coreSignal, true),
	kind,
	message,
});

/** Since Rust 1.81 `extern "C"` functions do not let a panic out. */
const stopsAtBorders = async () => Number(/^rustc 1\.(\d+)/.exec((await exec('rustc', ['--version'])).stdout)?.[1] ?? 81) >= 81;

for (const { name, source, flags, options, answers } of shapes) {
	describe.skipIf(options?.isFirst && !canSetPattern)(name, () => {
		for (const [kind, { told, message = null, confidence = 'high', ...answer }] of Object.entries(answers)) {
			crashTest(`${kind}: ${answer.culprit}`, async ({ skip }) => {
				if (['border', 'twice'].includes(kind) && !(await stopsAtBorders())) skip('this Rust ends them otherwise');
				await using folder = await temporaryFolder();
				const log = join(folder.path, 'log');
				await using crashed = await crash(await program(source, flags), [kind], { ...options, log });
				const byCore = await analyseCore(crashed.core);
				expect(answerOf(byCore)).toEqual({ ...answer, confidence, message });
				expect(byCore.notes).toEqual([]);
				const withoutGdb = answerOf(await analyseCore(crashed.core, { gdb: undefined }));
				expect({ ...withoutGdb, culprit: normalName(withoutGdb.culprit ?? '') }).toEqual({
					...answer,
					confidence,
					message,
					culprit: normalName(answer.culprit ?? ''),
				});
				const byBoth = await analyseCore(crashed.core, {}, log);
				expect(answerOf(byBoth)).toEqual({ ...answer, confidence, message: told ?? message });
				expect(byBoth.fingerprint).toBe(byCore.fingerprint);
			});
		}
	});
}

describe('without symbols nothing wrong is said with confidence, and a log beside it helps', () => {
	for (const [source, flags, kind, right] of [
		['deaths.cc', [...hardened, '-s'], 'fault', 'no name'],
		['deaths.cc', [...hardened, '-s'], 'own type', 'no name'],
		['panics.rs', [...aborting, '-C', 'strip=symbols'], 'unwrap', 'no name'],
		['gocrash', ['-ldflags=-s -w'], 'nil', 'main.readNil'],
		['gocrash', ['-ldflags=-s -w'], 'panic', 'main.panicNow'],
		['gocrash', ['-ldflags=-s -w'], 'map', 'main.writeForever'],
	] as const) {
		crashTest(`${source} ${kind}`, async () => {
			await using folder = await temporaryFolder();
			const log = join(folder.path, 'log');
			await using crashed = await crash(await program(source, flags), [kind], { environment: goEnvironment, log });
			const byCore = await analyseCore(crashed.core);
			// Go's programs have their own table of functions, stripped or not.
			expect(byCore.culprit?.function ?? 'no name').toBe(right);
			if (right === 'no name') expect(byCore.culprit?.confidence).not.toBe('high');
			const byBoth = await analyseCore(crashed.core, {}, log);
			expect(byBoth.culprit?.function ?? 'no name').toBe(right);
		});
	}
});

async function fingerprintOf(path: string, kind: string, log?: string): Promise<string | null> {
	await using crashed = await crash(path, [kind], { environment: goEnvironment, ...(log === undefined ? {} : { log }) });
	return (await analyseCore(crashed.core)).fingerprint;
}

describe('the same bug has the same fingerprint', () => {
	const builds: readonly (readonly string[])[] = [
		['-O0'],
		['-O1'],
		['-O3'],
		['-O2', '-fno-omit-frame-pointer'],
		['-O2', '-no-pie'],
		['-O2', '-ffunction-sections', '-fPIE', '-static-pie'],
	];
	for (const kind of ['fault', 'own type', 'aborted in a handler', 'lambda', 'local type', 'terminate']) {
		crashTest(`${kind}: however it is built`, async () => {
			const expected = await fingerprintOf(await program('deaths.cc', hardened), kind);
			expect(expected).toMatch(/^v1:/);
			for (const flags of builds) {
				const path = await program('deaths.cc', ['-g', '-fstack-protector-strong', ...flags]);
				expect({ flags, fingerprint: await fingerprintOf(path, kind) }).toEqual({ flags, fingerprint: expected });
			}
		});
	}

	crashTest('wherever it lies', async () => {
		await using folder = await temporaryFolder();
		const copy = join(folder.path, 'another name');
		cpSync(await program('deaths.cc', hardened), copy);
		expect(await fingerprintOf(copy, 'fault')).toBe(await fingerprintOf(await program('deaths.cc', hardened), 'fault'));
	});

	crashTest('with other template arguments', async () => {
		const path = await program('deaths.cc', hardened);
		expect(await fingerprintOf(path, 'template int')).toBe(await fingerprintOf(path, 'template float'));
	});

	for (const kind of ['nil', 'panic', 'panic again', 'index', 'map']) {
		crashTest(`Go ${kind}: by its core as by its log`, async () => {
			await using folder = await temporaryFolder();
			const log = join(folder.path, 'log');
			const byCore = await fingerprintOf(await program('gocrash'), kind, log);
			expect((await analyseLog(log)).fingerprint).toBe(byCore);
		});
	}

	crashTest('whichever compiler built it', async ({ skip }) => {
		const hasClang = await exec('clang++', ['--version']).catch(() => undefined);
		if (!hasClang && process.env.CI !== 'true') skip('clang++ is not installed');
		for (const kind of ['fault', 'own type', 'lambda', 'local type', 'pure virtual', 'null call'])
			expect({ kind, fingerprint: await fingerprintOf(await program('deaths.cc', ['-g', '-O1'], 'clang++'), kind) }).toEqual({
				kind,
				fingerprint: await fingerprintOf(await program('deaths.cc', hardened), kind),
			});
	});
});

crashTest('different bugs have different fingerprints', async () => {
	const kinds = ['fault', 'fault elsewhere', 'own type', 'text', 'smashed stack', 'fortify', 'double free', 'damaged heap', 'lambda'];
	const path = await program('deaths.cc', hardened);
	const fingerprints: (string | null)[] = [];
	for (const kind of kinds) fingerprints.push(await fingerprintOf(path, kind));
	expect(new Set(fingerprints).size).toBe(kinds.length);
});

test('every shape has a name of its own', () => expect(new Set(shapes.map(({ name }) => name)).size).toBe(shapes.length));
