import type { Event } from '../../src/domain/events.ts';

/** The three events of one crash's way, as small as they can be. */
export function events(key = '3f9c00000001') {
	const core = { path: `/cores/core.${key}`, sizeBytes: 454_656, encoding: 'raw', fileId: `1:2:${key}` } as const;
	const found: Event<'CoredumpFile'> = {
		kind: 'CoredumpFile',
		key,
		original: `${core.fileId}:core.${key}`,
		body: { core, log: null, time: '2026-11-23T06:25:58.000Z', foundAt: '2026-11-23T06:26:00.000Z' },
	};
	const frame = {
		pc: '0x401000',
		function: 'search',
		module: '/milvus/bin/milvus',
		offset: '0x1000',
		file: 'search.cc',
		line: 42,
	} as const;
	const analysed: Event<'AnalysisResults'> = {
		kind: 'AnalysisResults',
		key,
		body: {
			core,
			analysis: {
				complete: 'yes',
				signal: { number: 11, name: 'SIGSEGV', code: 1, codeName: 'SEGV_MAPERR', address: '0x10' },
				coreSignal: { number: 11, name: 'SIGSEGV', code: 1, codeName: 'SEGV_MAPERR', address: '0x10' },
				process: { pid: 7, name: 'milvus', executable: '/milvus/bin/milvus', arguments: 'milvus run querynode' },
				association: { method: 'none', confidence: 'none', host: 'querynode-0' },
				reason: 'SIGSEGV: access to 0x10 through a null pointer (offset 16)',
				culprit: {
					function: 'search',
					module: '/milvus/bin/milvus',
					offset: '0x1000',
					file: 'search.cc',
					line: 42,
					rules: 1,
					rule: 'top frame',
					confidence: 'high',
				},
				kind: 'fault',
				message: null,
				fingerprint: 'v1:0123456789abcdef',
				looseFingerprint: 'v1-loose:0123456789abcdef',
				knownIssues: [],
				registers: { rip: '0x401000' },
				threads: [{ id: 7, crashed: true, frames: [frame] }],
				modules: [{ path: '/milvus/bin/milvus', buildId: 'ab'.repeat(20), symbols: 'full', file: 'same' }],
				stack: 'agent+gdb',
				score: { total: 9.5, parts: [{ name: 'base', points: 4 }] },
				notes: [],
			},
		},
	};
	const stored = {
		kind: 'StorageEvent',
		key,
		body: { is: 'stored', core, storage: { form: 'full', location: '/data/x.core.zst', sha256: 'ab'.repeat(32), sizeBytes: 20_000 } },
	} as const satisfies Event<'StorageEvent'>;
	return { core, found, analysed, stored };
}
