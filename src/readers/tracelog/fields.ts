import type { Frame } from '../../domain/report.ts';
import { mostFrames } from './drafts.ts';
import { isCreator, readGoCall, readGoroutineHeader, readPlace } from './goroutines.ts';
import type { TraceStack } from './tracelog.ts';

/**
 * A stack in a field of a log line, as zap (names without arguments) or Go's debug.Stack() writes it.
 *
 * @param at number of the line that holds it
 */
export function fieldStack(text: string, isCut: boolean, at: number): TraceStack {
	const frames: Frame[] = [];
	let name: string | undefined;
	const lines = text.split('\n').filter((line) => line.trim() !== '' && !readGoroutineHeader(line));
	for (const line of lines) {
		if (frames.length >= mostFrames) break;
		const place = /^\s/.test(line) ? readPlace(line.trim()) : undefined;
		if (!place && /^\s/.test(line)) continue; // cut within the place
		if (!place) {
			if (name !== undefined) frames.push({ function: name });
			name = isCreator(line) ? undefined : ((line.endsWith(')') ? readGoCall(line)?.name : undefined) ?? line.trim());
		} else if (name !== undefined) {
			const { file, line: number } = place;
			frames.push({ function: name, ...(file !== undefined && { file }), ...(number !== undefined && { line: number }) });
			name = undefined;
		}
	}
	if (name !== undefined && frames.length < mostFrames) frames.push({ function: name });
	return { kind: 'field', frames, isCut, at };
}
