import { defined } from '../../../base/defined.ts';
import type { Culprit, Frame } from '../../../domain/report.ts';
import { deathFunctions, deathPrefixes, runtimeModules } from './rules.ts';

/**
 * The frame to blame: the first behind those that only end the process, or that a bad jump left without a place.
 *
 * @param frames of the crashed thread, innermost first
 * @param hasStack false where only the program counter is known
 */
export function culpritOf(frames: readonly Frame[], hasStack: boolean): Culprit | null {
	const skipped = frames.findIndex((_, index) => !isSkipped(frames, index));
	const frame = frames[skipped];
	if (!frame) return null;
	const { function: name, module, offset, file, line } = frame;
	if (name === undefined && module === undefined) return null;
	const place = defined({ function: name, module, offset, file, line });
	if (!hasStack) {
		// In the C library the program counter is the same for every abort.
		return isRuntime(frame) ? null : { ...place, rule: 'program counter', confidence: 'low' };
	}
	const rule = skipped === 0 ? 'top frame' : frames.slice(0, skipped).some(isDeath) ? 'behind abort family' : 'caller of a bad jump';
	return { ...place, rule, confidence: name ? 'high' : 'medium' };
}

function isSkipped(frames: readonly Frame[], index: number): boolean {
	const frame = frames[index] as Frame;
	if (isDeath(frame)) return true;
	if (frame.function !== undefined) return false;
	// Stripped libraries have frames without a name between those that end the process.
	if (isRuntime(frame)) return frames.slice(0, index).some(isDeath) || leadsToDeath(frames, index);
	return frame.module === undefined && index + 1 < frames.length;
}

function isDeath({ function: name }: Frame): boolean {
	const plain = name && plainName(name);
	return plain !== undefined && (deathFunctions.has(plain) || deathPrefixes.some((prefix) => plain.startsWith(prefix)));
}

const isRuntime = ({ module }: Frame) => module !== undefined && runtimeModules.test(module);

function leadsToDeath(frames: readonly Frame[], index: number): boolean {
	const next = frames.slice(index).find(({ function: name }) => name !== undefined);
	return next !== undefined && isDeath(next);
}

/** The name without parameters, compiler's clones (`.constprop.0`), symbol versions, and glibc's mark of its own aliases. */
export function plainName(name: string): string {
	const symbol = name.replace(/ \[clone .*$/, '').replace(/@.*$/, '');
	return withoutParameters(symbol)
		.replace(/(?:\.(?:constprop|isra|part|cold|lto_priv|llvm)(?:\.\d+)*)+$/, '')
		.replace(/^__GI_/, '');
}

/** Cuts the last pair of parentheses, but not that of `operator()`. */
function withoutParameters(name: string): string {
	const text = name.replace(/ const$/, '');
	if (!text.endsWith(')')) return text;
	let depth = 0;
	for (let at = text.length - 1; at > 0; at--) {
		if (text[at] === ')') depth++;
		if (text[at] === '(' && --depth === 0) return text.slice(0, at).endsWith('operator') ? text : text.slice(0, at);
	}
	return text;
}
