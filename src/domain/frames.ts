import { basename } from 'node:path';
import type { Culprit, Frame } from './report.ts';

/** Where a frame or culprit is, in its best words: function, else module and offset, else address. */
export function placeName({ function: name, module, offset }: Pick<Culprit, 'function' | 'module' | 'offset'>): string {
	if (name) return name;
	return module ? `${basename(module)}+${offset ?? '0x0'}` : '??';
}

/** `engine/index.cc:421`, or nothing where the source is not known. */
export const sourcePlace = ({ file, line }: Pick<Culprit, 'file' | 'line'>) => (file === undefined ? undefined : `${file}:${line ?? '?'}`);

/** A stack as text, a line for each frame, as debuggers print it. */
export function stackText(frames: readonly Frame[]): string {
	return frames
		.map((frame, index) => {
			const source = sourcePlace(frame);
			return `#${index} ${frame.pc} in ${placeName(frame)}${source ? ` at ${source}` : ''}`;
		})
		.join('\n');
}
