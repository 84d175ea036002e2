import { createHash } from 'node:crypto';
import { maskedMessage } from '../../../domain/message.ts';
import type { CrashKind, CrashReport, Culprit, Frame, Module } from '../../../domain/report.ts';
import { repositoryPath } from '../../../domain/source-path.ts';
import { classify, type Suspect } from '../culprit/culprit.ts';
import type { Death } from '../death.ts';
import { goPanicType } from './go-panic.ts';

/** How many frames make the fingerprint: the culprit and those that called it. */
const frameCount = 3;

/**
 * What makes two crashes the same: the same for the same bug on another day, machine and processor, by another compiler, and with other template
 * arguments. Neither signal nor component, pod or version are in it: one bug shows as several of these.
 *
 * The loose one is of the culprit alone, for stacks that are cut off behind it.
 */
export function fingerprintsOf(
	death: Death,
	culprit: Culprit | null,
	path: readonly Suspect[],
	modules: readonly Module[],
	frames: readonly Frame[],
): Pick<CrashReport, 'fingerprint' | 'looseFingerprint'> {
	const family = death.kind === 'go panic' ? `go ${goPanicType(death.message, frames.map(classify))}` : families[death.kind];
	const words = death.message === null ? [] : [maskedMessage(death.message)];
	if (!culprit) {
		const isTold = words.length > 0 && death.kind !== 'unknown';
		return { fingerprint: isTold ? print('v1', [family, ...words]) : null, looseFingerprint: null };
	}
	// Who damaged the heap is long gone: what the library says, and where, tells more than the victim.
	const keys =
		death.kind === 'heap corruption' && culprit.confidence === 'low' && words.length > 0
			? [...words, culprit.module ?? '']
			: path.length > 0
				? distinct(path.map((suspect) => keyOf(suspect, modules))).slice(0, frameCount)
				: [placeKey(culprit)];
	return { fingerprint: print('v1', [family, ...keys]), looseFingerprint: print('v1-loose', [keys[0] ?? '']) };
}

/** A fault that a handler turns into an abort is the same bug; a panic and a fault at one place are not. */
const families: Readonly<Record<CrashKind, string>> = {
	fault: 'fault',
	abort: 'abort',
	exception: 'abort',
	assertion: 'abort',
	'heap corruption': 'heap',
	'go panic': 'go',
	'go fatal error': 'go',
	'rust panic': 'rust',
	'deliberate exit': 'exit',
	killed: 'killed',
	unknown: 'unknown',
};

const print = (version: string, keys: readonly string[]) =>
	`${version}:${createHash('sha256').update(keys.join('\n')).digest('hex').slice(0, 16)}`;

/** A recursion counts once. */
const distinct = (keys: readonly string[]) => keys.filter((key, index) => key !== keys[index - 1]);

function keyOf({ name, frame }: Suspect, modules: readonly Module[]): string {
	if (name !== '') return name;
	const buildId = modules.find(({ path }) => path === frame.module)?.buildId;
	return frame.module === undefined ? placeKey(frame) : `${buildId ?? frame.module}+${frame.offset ?? '?'}`;
}

const placeKey = ({ function: name, file, line }: Pick<Culprit, 'function' | 'file' | 'line'>) =>
	name ?? `${file === undefined ? '?' : repositoryPath(file)}:${line ?? '?'}`;
