import { expect, test } from 'vitest';
import type { Hex } from '../../src/base/hex.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { cli } from '../support/cli.ts';
import { exec } from '../support/crash.ts';
import { functions } from '../support/milvus/functions.ts';
import { type Death, describeMilvus, die, type Server, startMilvus, startMilvusLite } from '../support/milvus/milvus.ts';
import { placesByElfutils } from '../support/stacks.ts';

const { searchKnn, searchTopLayers, query, execute, hasCollection, getCollection } = functions;
const notThere = (address: string) => ({ name: 'SIGSEGV', codeName: 'SEGV_MAPERR', address });
const sentByUs = { codeName: 'SI_USER', sender: { pid: process.pid } };
/** Also of a fault: Go raises its signal anew, or another one, when its handler has told of it. */
const raised = { codeName: 'SI_TKILL' };

const named = { file: 'same', symbols: expect.stringMatching(/^(names|full)$/) };

type Expected = {
	readonly death: Death;
	/** Of the report on the core alone. */
	readonly core: object;
	/** Of the report on the core and what Milvus printed. */
	readonly printed?: object;
};

const idle: Readonly<Record<string, Expected>> = {
	'a jump to nowhere on a thread of C++': {
		death: { by: 'jump of a thread', thread: 'rocksdb:low', to: 0 },
		core: { coreSignal: { name: 'SIGSEGV', ...raised }, kind: 'fault', signal: notThere('0x0'), registers: { rip: '0x0' }, culprit: null },
	},
	'SIGSEGV from outside': {
		death: { by: 'signal', signal: 'SIGSEGV' },
		core: { coreSignal: { name: 'SIGABRT', ...raised }, kind: 'killed', signal: { name: 'SIGSEGV', ...sentByUs }, culprit: null },
	},
};

const searching: Readonly<Record<string, Expected>> = {
	'a bad pointer on a thread of C++': {
		death: { by: 'bad pointer', in: searchKnn, register: 'rsi', pointer: 0x10 },
		core: {
			coreSignal: { name: 'SIGSEGV', ...raised },
			kind: 'fault',
			signal: notThere('0x30'),
			registers: { rsi: '0x10' },
			culprit: { function: expect.stringMatching(/^hnswlib::HierarchicalNSW<float>::searchKnn\(/) },
		},
	},
	'abort() on a thread of C++': {
		death: { by: 'abort', insteadOf: searchTopLayers },
		core: {
			coreSignal: { name: 'SIGABRT', ...raised },
			kind: 'abort',
			signal: { name: 'SIGABRT', ...raised },
			culprit: { function: expect.stringMatching(/^hnswlib::HierarchicalNSW<float>::searchKnn\(/) },
		},
	},
	'a bad pointer in C++ that Go has called': {
		death: { by: 'bad pointer', in: query, register: 'rsi', pointer: 0x10 },
		core: {
			coreSignal: { name: 'SIGABRT', ...raised },
			kind: 'fault',
			signal: notThere('0x20'),
			culprit: { function: expect.stringMatching(/^milvus::index::VectorMemIndex::Query\(/) },
		},
		printed: { kind: 'fault', signal: notThere('0x20') },
	},
	'a bad pointer in Go': {
		death: { by: 'bad pointer', in: execute, register: 'rax', pointer: 0x10 },
		core: {
			coreSignal: { name: 'SIGABRT', ...raised },
			kind: 'go panic',
			signal: notThere('0x20'),
			culprit: { function: 'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute' },
		},
		printed: {
			kind: 'go panic',
			signal: notThere('0x20'),
			culprit: { function: 'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute' },
		},
	},
	'a call to nowhere from Go': {
		death: { by: 'call', insteadOf: execute, to: 0x10 },
		core: {
			coreSignal: { name: 'SIGABRT', ...raised },
			kind: 'go panic',
			signal: notThere('0x10'),
			culprit: { function: 'github.com/milvus-io/milvus/internal/proxy.(*taskScheduler).processTask' },
		},
		printed: {
			kind: 'go panic',
			signal: notThere('0x10'),
			culprit: { function: 'github.com/milvus-io/milvus/internal/proxy.(*taskScheduler).processTask' },
		},
	},
	'SIGABRT from outside': {
		death: { by: 'signal', signal: 'SIGABRT' },
		core: { coreSignal: { name: 'SIGABRT', ...raised }, kind: 'killed', signal: { name: 'SIGABRT', ...sentByUs }, culprit: null },
	},
};

const ofLite: Readonly<Record<string, Expected>> = {
	'SIGSEGV from outside': {
		death: { by: 'signal', signal: 'SIGSEGV' },
		core: { kind: 'killed', signal: { name: 'SIGSEGV', ...sentByUs }, culprit: null },
	},
	'SIGABRT from outside': {
		death: { by: 'signal', signal: 'SIGABRT' },
		core: { kind: 'killed', signal: { name: 'SIGABRT', ...sentByUs }, culprit: null },
	},
	'a bad pointer': {
		death: { by: 'bad pointer', in: hasCollection, register: 'rsi', pointer: 0x10 },
		core: {
			kind: 'fault',
			signal: notThere('0x30'),
			registers: { rdi: '0x20' },
			culprit: { function: expect.stringMatching(/^milvus::local::MilvusLocal::GetCollection\(/) },
		},
	},
	'abort()': {
		death: { by: 'abort', insteadOf: getCollection },
		core: {
			kind: 'abort',
			signal: { name: 'SIGABRT', ...raised },
			culprit: { function: expect.stringMatching(/^milvus::local::MilvusProxy::HasCollection\(/) },
		},
	},
};

describeMilvus('a real Milvus', () => {
	for (const [name, expected] of Object.entries(idle))
		test(`that dies of ${name} while it is idle is reported as that`, () => proveReport(startMilvus({ isSearching: false }), expected));
	for (const [name, expected] of Object.entries(searching))
		test(`that dies of ${name} while it searches is reported as that`, () => proveReport(startMilvus({ isSearching: true }), expected));
	for (const [name, expected] of Object.entries(ofLite))
		test(`of C++ alone that dies of ${name} is reported as that`, () => proveReport(startMilvusLite(), expected));
});

async function proveReport(starting: Promise<Server>, { death, core: expected, printed }: Expected): Promise<void> {
	await using server = await starting;
	const core = await die(server, death);
	const report = await analyzed(core);
	expect(report).toMatchObject({
		complete: 'yes',
		process: { pid: server.pid, name: 'milvus', executable: server.program },
		modules: expect.arrayContaining([
			expect.objectContaining({ path: server.program, ...named }),
			expect.objectContaining({ path: expect.stringMatching(/\/libknowhere\.so$/), ...named }),
		]),
		...expected,
	});
	expect(report.threads).toHaveLength(await threadsIn(core));
	await expectNoLess(report, core);
	if (printed !== undefined) expect(await analyzed(core, '--log', server.log)).toMatchObject(printed);
}

/** eu-stack follows the frame pointers of Go, and call frame information; behind main it goes on. */
async function expectNoLess({ threads }: CrashReport, core: string): Promise<void> {
	const { locate } = await readPass(core);
	const others = await placesByElfutils(core, (place) => locate(place) !== undefined);
	expect(others.size).toBe(threads.length);
	for (const { id, frames } of threads) {
		const places = frames.map(({ pc }) => pc);
		const behindMain = frames.at(-1)?.function === 'main' ? 3 : 0;
		const missing = (others.get(id) ?? []).filter((place) => !places.includes(place as Hex));
		expect(missing.length, `thread ${id} lacks ${missing}`).toBe(missing.length === 0 ? 0 : behindMain);
	}
}

async function analyzed(...args: readonly string[]): Promise<CrashReport> {
	const { stdout, stderr } = await cli(['analyze', '--json', ...args]);
	expect(stderr).toBe('');
	return JSON.parse(stdout);
}

/** As elfutils counts them. */
async function threadsIn(core: string): Promise<number> {
	const { stdout } = await exec('eu-readelf', ['--notes', core], { maxBuffer: 1 << 26 });
	return stdout.match(/^ +CORE +\d+ +PRSTATUS$/gm)?.length ?? 0;
}
