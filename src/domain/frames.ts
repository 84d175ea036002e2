import { basename } from 'node:path';
import { shortName } from './function-name/function-name.ts';
import type { Culprit, Frame } from './report.ts';
import { repositoryPath } from './source-path.ts';

type Place = Pick<Culprit, 'function' | 'module' | 'offset' | 'file' | 'line'>;

/** Where a frame or culprit is, in its best words: function, else module and offset, else source line, else nothing. */
export function placeName(place: Place): string {
	const { function: name, module, offset } = place;
	if (name) return shortName(name);
	if (module) return `${basename(module)}+${offset ?? '0x0'}`;
	return sourcePlace(place) ?? '??';
}

/** `engine/index.cc:421`, or nothing where the source is not known. */
export const sourcePlace = ({ file, line }: Pick<Culprit, 'file' | 'line'>) =>
	file === undefined ? undefined : `${repositoryPath(file)}:${line ?? '?'}`;

/** Whether a culprit is this frame. */
export const isAt = (culprit: Culprit, frame: Frame) =>
	culprit.function === frame.function &&
	culprit.module === frame.module &&
	culprit.offset === frame.offset &&
	culprit.file === frame.file &&
	culprit.line === frame.line;

/** A stack as text, a line for each frame, as debuggers print it. */
export function stackText(frames: readonly Frame[]): string {
	return frames
		.map((frame, index) => {
			const source = sourcePlace(frame);
			const pc = frame.pc === undefined ? '' : `${frame.pc} in `;
			return `#${index} ${pc}${placeName(frame)}${source ? ` at ${source}` : ''}`;
		})
		.join('\n');
}
