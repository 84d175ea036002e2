import { setImmediate as turn } from 'node:timers/promises';
import { printable } from '../../base/printable.ts';
import { readTraceLog } from '../../readers/tracelog/tracelog.ts';

/** A log is read in windows of so much, between which others have their turn; reading all of it takes a third of a second. */
const windowBytes = 256 << 10;
/** Within so much stand the pieces of one line, with those of others between them. */
const mostOfLine = 64 << 10;
const longestLine = 500;
const lineEnd = 0x0a;

/** The first line that proves a panic or a fatal error, as the process wrote it; undefined where nothing does. */
export async function panicLine(log: Buffer): Promise<string | undefined> {
	for (let start = 0; start < log.length; ) {
		const newline = log.indexOf(lineEnd, start + windowBytes);
		const end = newline < 0 ? log.length : newline + 1;
		const { statements } = readTraceLog(log.toString('utf8', start, end));
		const proof = statements.find(({ is }) => is !== 'exit' && is !== 'signal');
		if (proof) return printable(wholeLine(log, startOf(log, start, proof.at))).slice(0, longestLine);
		start = end;
		await turn();
	}
	return undefined;
}

/** @param at number of a line, from 1 at the start */
function startOf(log: Buffer, start: number, at: number): number {
	for (let line = 1; line < at; line++) start = log.indexOf(lineEnd, start) + 1;
	return start;
}

/** As the runtime puts it in front of each piece of a line; `P`: the line goes on in the next piece of the same stream. */
const framing = /^\S+ (stdout|stderr) ([FP])\S* /;

function wholeLine(log: Buffer, start: number): string {
	const pieces = log.toString('utf8', start, start + mostOfLine).split('\n');
	const [, stream] = framing.exec(pieces[0] ?? '') ?? [];
	if (stream === undefined) return pieces[0] ?? '';
	let line = '';
	for (const piece of pieces) {
		const [frame, itsStream, tag] = framing.exec(piece) ?? [];
		if (itsStream !== stream || frame === undefined) continue;
		line += piece.slice(frame.length);
		if (tag === 'F') break;
	}
	return line;
}
