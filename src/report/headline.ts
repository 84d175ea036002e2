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
	const startUp = report.restart?.isStartUp ? ', at start-up' : '';
	return printable(`${whatHappened(report)}${where}${words}${name === undefined ? '' : `, thread ${name}`}${startUp}${known(report)}`);
}

/** What ended the process, in a word or two: `SIGSEGV`, `OOMKilled`, `Go panic`, `exit 80`. */
export function ending(report: CrashReport): string {
	const { kind, association, restart } = report;
	if (association.reason === outOfMemory) return outOfMemory;
	const signal = report.signal ?? restart?.signal;
	if (signal) return signal.name;
	return exitOf(report) ?? kind;
}

/** The kubelet's word for a container that had more memory than it may. */
const outOfMemory = 'OOMKilled';

/** Of a process that ended by itself, where nothing better is known than its exit code. */
function exitOf({ kind, association: { exitCode } }: CrashReport): string | undefined {
	const isExit = kind === 'deliberate exit' || kind === 'unknown' || kind === 'killed';
	return isExit && exitCode !== undefined ? `exit ${exitCode}` : undefined;
}

function whatHappened(report: CrashReport): string {
	const { kind, status, association, restart } = report;
	if (status === 'found') return 'not analysed yet';
	if (association.reason === outOfMemory) return `${outOfMemory} (out of memory)`;
	switch (kind) {
		case 'go panic':
			return 'Go panic';
		case 'go fatal error':
			return 'Go fatal error';
		case 'rust panic':
			return 'Rust panic';
		case 'deliberate exit':
			return [kind, exitOf(report)].filter(Boolean).join(', ');
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
	const signal = report.signal ?? restart?.signal;
	if (!signal) return words ?? exitOf(report) ?? 'no signal';
	const address = report.signal?.address === undefined ? '' : ` at ${report.signal.address}`;
	return `${signal.name}${words === undefined ? '' : ` (${words})`}${address}`;
}

/** What a signal's name alone does not say. */
function inWords({ kind, message, reason, restart }: CrashReport): string | undefined {
	const said = message ?? reason ?? '';
	if (restart?.killMessage !== undefined) return 'ended by the kubelet';
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
