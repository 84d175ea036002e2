import type { CrashReport, Frame } from '../../src/domain/report.ts';
import { opinions } from './opinions.ts';
import { ended, podReport } from './pod-report.ts';

/** A report that has as much of everything as a hostile core can give it, all made of one unit; what comes from the API is as it is. */
export function hugeReport(unit: string): CrashReport {
	const text = unit.repeat(3000);
	const frame: Frame = {
		pc: '0x7fffffffffffffff',
		function: text,
		module: text,
		offset: '0x7fffffffffffffff',
		file: text,
		line: 123_456_789,
		inlined: true,
		noise: true,
	};
	const signal = {
		number: 11,
		name: text,
		code: 1,
		codeName: text,
		address: '0x7fffffffffffffff',
		sender: { pid: 1e9, uid: 1e9 },
	} as const;
	const issue = {
		id: text,
		issues: Array(20).fill(text),
		symptom: text,
		fixedIn: text,
		advice: text,
		cleanup: 'neutral',
		match: 1,
	} as const;
	const { pc, inlined, noise, ...place } = frame;
	const report = podReport();
	return {
		...report,
		time: '2026-11-23T06:25:58.000Z',
		signal,
		coreSignal: signal,
		reason: text,
		message: text,
		process: { pid: 1, name: text, executable: text, arguments: text, environment: { PATH: text } },
		culprit: { ...place, rule: text, rules: 1, confidence: 'low' },
		threads: Array.from({ length: 3 }, (_, id) => ({ id, name: text, crashed: id === 0, frames: Array(50).fill(frame) })),
		modules: Array(30).fill({ path: text, symbols: 'none', file: 'missing' }),
		restart: ended({ signal: { number: 11, name: text }, panicLine: text, killMessage: text }),
		lostCore: { reason: text, advice: text },
		log: { path: text, sizeBytes: 1 },
		core: { path: text, sizeBytes: 1, encoding: 'raw', fileId: text },
		storage: { form: 'full', location: text, sha256: 'ab'.repeat(32), sizeBytes: 1, reason: text },
		association: { ...report.association, host: text, image: text, reason: text },
		knownIssues: Array(5).fill({ ...issue, issues: [...issue.issues] }),
		notes: Array(20).fill(text),
		opinion: {
			...opinions.given,
			model: text,
			answer: { ...opinions.given.answer, summary: text, rootCause: text, recommendations: Array(20).fill(text) },
		},
	};
}
