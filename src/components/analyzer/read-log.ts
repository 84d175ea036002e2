import { endOfFile } from '../../base/file-ends.ts';
import { formatBytes } from '../../base/quantity.ts';
import { openRegular } from '../../base/regular-file.ts';
import { demangle } from '../../drivers/demangle/demangle.ts';
import { readTraceLog, type TraceLog } from '../../readers/tracelog/tracelog.ts';
import type { LogEvidence } from './log-side.ts';

/** A process's last words stand at the end: of a longer log only so much is read. */
const mostBytes = 16 << 20;

/** Reads a log's end. Its names are demangled. */
export async function readLog(path: string, signal?: AbortSignal): Promise<LogEvidence> {
	await using file = await openRegular(path);
	const { end, sizeBytes } = await endOfFile(file, mostBytes);
	const trace = await demangled(readTraceLog(end.toString('utf8')), signal);
	const cut = sizeBytes > mostBytes ? [`of the log of ${formatBytes(sizeBytes)} only the last ${formatBytes(mostBytes)} were read`] : [];
	const full = trace.leftOut === undefined ? [] : [`${trace.leftOut} statements and stacks in the middle of the log were too many to keep`];
	const empty = trace.statements.length === 0 && trace.stacks.length === 0 ? [`the log ${path} tells of no crash`] : [];
	return { trace, notes: [...cut, ...full, ...empty] };
}

async function demangled(trace: TraceLog, signal: AbortSignal | undefined): Promise<TraceLog> {
	const functions = trace.stacks.flatMap(({ frames }) => frames.flatMap(({ function: name }) => (name === undefined ? [] : [name])));
	const names = await demangle(functions, signal);
	const named = (name: string) => names.get(name) ?? name;
	return {
		...trace,
		stacks: trace.stacks.map((stack) => ({
			...stack,
			frames: stack.frames.map((frame) => (frame.function === undefined ? frame : { ...frame, function: named(frame.function) })),
		})),
	};
}
