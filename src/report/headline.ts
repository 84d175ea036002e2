import { basename } from 'node:path';
import { printable } from '../base/printable.ts';
import { placeName } from '../domain/frames.ts';
import type { CrashReport, KnownIssue } from '../domain/report.ts';
import { cut } from './table.ts';

/**
 * The crash in one line, for who has one minute:
 * `SIGSEGV at 0x10 in knowhere::IvfIndexNode<…>::Deserialize (ivf.cc:421), thread knowhere_search; known: milvus#28065, fixed in 2.3.3`.
 */
export function headline(report: CrashReport): string {
	const { threads, culprit, process } = report;
	const name = threads[0]?.name?.startsWith('goroutine ') ? undefined : threads[0]?.name;
	const source = culprit?.file === undefined || culprit.function === undefined ? '' : ` (${basename(culprit.file)}:${culprit.line ?? '?'})`;
	const where = culprit ? ` in ${placeName(culprit)}${source}` : process.name ? ` in ${process.name}, at an unknown place` : '';
	// Without a place the process's own words are the best there is.
	const words = culprit === null && report.message !== null ? `: ${cut(report.message, 100)}` : '';
	return printable(`${whatHappened(report)}${where}${words}${name === undefined ? '' : `, thread ${name}`}${known(report)}`);
}

function whatHappened(report: CrashReport): string {
	const { kind, signal, status } = report;
	if (status === 'found') return 'not analysed yet';
	switch (kind) {
		case 'go panic':
			return 'Go panic';
		case 'go fatal error':
			return 'Go fatal error';
		case 'rust panic':
			return 'Rust panic';
		case 'deliberate exit':
			return 'deliberate exit';
		case 'exception':
		case 'assertion':
		case 'heap corruption':
		case 'fault':
		case 'abort':
		case 'killed':
		case 'unknown':
			break;
		default:
			kind satisfies never;
	}
	const words = inWords(report);
	if (!signal) return words ?? 'no signal';
	return `${signal.name}${words === undefined ? '' : ` (${words})`}${signal.address === undefined ? '' : ` at ${signal.address}`}`;
}

/** What a signal's name alone does not say. */
function inWords({ kind, message, reason }: CrashReport): string | undefined {
	const said = message ?? reason ?? '';
	switch (kind) {
		case 'exception':
			return 'uncaught exception';
		case 'assertion':
			return said.includes('pure virtual') ? 'pure virtual call' : 'failed assertion';
		case 'heap corruption':
			return said.includes('stack smashing') ? 'damaged stack' : said.includes('buffer overflow') ? 'buffer overflow' : 'damaged heap';
		default:
			return reason?.includes(': stack overflow') ? 'stack overflow' : undefined;
	}
}

/** `milvus#28065`; the name of an entry that has no issue. */
export const issueName = ({ id, issues: [issue] }: KnownIssue) => issue?.replace(/^milvus-io\//, '') ?? id;

function known({ knownIssues: [best] }: CrashReport): string {
	if (!best) return '';
	return `; ${best.match >= 0.6 ? 'known: ' : 'perhaps '}${issueName(best)}${best.fixedIn === undefined ? '' : `, fixed in ${best.fixedIn}`}`;
}
