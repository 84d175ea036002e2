import { formatBytes } from '../../base/quantity.ts';
import { openRegular } from '../../base/regular-file.ts';
import type { Log, Thread } from '../../domain/report.ts';
import { demangle } from '../../drivers/demangle/demangle.ts';
import { readTraceLog, type Statement, type TraceLog, type TraceStack } from '../../readers/tracelog/tracelog.ts';

/** All that was read of what the process wrote. */
export type LogEvidence = { readonly log: Log; readonly trace: TraceLog; readonly notes: readonly string[] };

/** A process's last words stand at the end: of a longer log only so much is read. */
const mostBytes = 16 << 20;

/** Reads a log's end. Its names are demangled. */
export async function readLog(path: string, signal?: AbortSignal): Promise<LogEvidence> {
	await using file = await openRegular(path);
	const { size } = await file.stat();
	const start = Math.max(0, size - mostBytes);
	const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
	const trace = await demangled(readTraceLog(buffer.toString('utf8', 0, bytesRead)), signal);
	const cut = start > 0 ? [`of the log of ${formatBytes(size)} only the last ${formatBytes(mostBytes)} were read`] : [];
	const full = trace.leftOut === undefined ? [] : [`${trace.leftOut} statements and stacks in the middle of the log were too many to keep`];
	const empty = trace.statements.length === 0 && trace.stacks.length === 0 ? [`the log ${path} tells of no crash`] : [];
	return { log: { path, sizeBytes: bytesRead }, trace, notes: [...cut, ...full, ...empty] };
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

/**
 * The stacks that may be the crashed thread's, the likeliest first: those that follow the statement that says what happened,
 * up to the first goroutine's. The goroutines behind it only happened to be there.
 */
export function suspectStacks({ stacks }: TraceLog, statement: Statement | undefined): readonly TraceStack[] {
	const from = statement?.at ?? 0;
	const isField = statement?.is === 'exit';
	const behind = stacks.filter(({ at, kind }) => (kind === 'field' ? isField && at >= from - 1 : at >= from));
	const first = behind.findIndex(({ kind, id }) => kind === 'goroutine' && id !== undefined && id !== 0);
	const candidates = first < 0 ? behind : behind.slice(0, first + 1);
	return candidates.length > 0 ? candidates : stacks;
}

export const threadOf = ({ kind, id, name = goroutineName(kind, id), frames, isCut }: TraceStack): Thread => ({
	...(id === undefined ? {} : { id }),
	...(name === undefined ? {} : { name }),
	crashed: false,
	frames: [...frames],
	...(isCut ? { isCut } : {}),
});

const goroutineName = (kind: TraceStack['kind'], id: number | undefined) =>
	kind === 'goroutine' && id !== undefined ? `goroutine ${id}` : undefined;
