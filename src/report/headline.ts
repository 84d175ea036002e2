import { basename } from 'node:path';
import { printable } from '../base/printable.ts';
import { placeName } from '../domain/frames.ts';
import type { CrashReport } from '../domain/report.ts';

/** The crash in one line: `SIGSEGV at 0x10 in search (search.cc:421)`. */
export function headline({ signal, culprit, status, process }: CrashReport): string {
	const what = signal
		? `${signal.name}${signal.address === undefined ? '' : ` at ${signal.address}`}`
		: status === 'found'
			? 'not analysed yet'
			: 'no signal';
	const source = culprit?.file === undefined ? '' : ` (${basename(culprit.file)}:${culprit.line ?? '?'})`;
	const where = culprit ? ` in ${placeName(culprit)}${source}` : process.name ? ` in ${process.name}, at an unknown place` : '';
	return printable(`${what}${where}`);
}
