import { createHash } from 'node:crypto';
import type { Culprit, Frame, Module } from '../../../domain/report.ts';
import { plainName } from '../culprit/culprit.ts';

/** How many frames make the fingerprint: the culprit and those that called it. */
const frameCount = 3;

/**
 * The same for the same bug on another day and at other addresses: from the functions at the culprit, or from build-id and offset where they have no names.
 * Version 0: names are not normalised beyond their parameters.
 */
export function fingerprintOf(culprit: Culprit | null, frames: readonly Frame[], modules: readonly Module[]): string | null {
	if (!culprit) return null;
	const start = frames.findIndex(
		({ function: name, module, offset }) => name === culprit.function && module === culprit.module && offset === culprit.offset,
	);
	const keys = frames.slice(start, start + frameCount).map((frame) => frameKey(frame, modules));
	return `v0:${createHash('sha256').update(keys.join('\n')).digest('hex').slice(0, 16)}`;
}

function frameKey({ function: name, module, offset }: Frame, modules: readonly Module[]): string {
	if (name) return plainName(name);
	const buildId = modules.find(({ path }) => path === module)?.buildId;
	return `${buildId ?? module ?? '?'}+${offset ?? '?'}`;
}
