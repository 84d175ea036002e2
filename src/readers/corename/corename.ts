import { basename } from 'node:path';
import { defined } from '../../base/defined.ts';
import { fileNameText } from '../../base/filename.ts';
import { problemOrigin } from './abrt.ts';
import { reportOrigin } from './apport.ts';
import { milliseconds, number, type Origin } from './origin.ts';

export { problemCore } from './abrt.ts';
export type { Origin } from './origin.ts';

type OriginOptions = {
	/** The file's `user.coredump.*`, without that prefix. */
	readonly attributes?: Readonly<Record<string, string>> | undefined;
	/** The machine's kernel.core_pattern, when the file is of this machine. */
	readonly pattern?: string | undefined;
};

/**
 * All that tells of a core but the core itself: abrt's files beside it, apport's fields around it, or its name and attributes.
 *
 * @param path of the core
 */
export async function readOrigin(path: string, { attributes, pattern }: OriginOptions = {}): Promise<Origin> {
	return (await problemOrigin(path)) ?? (await reportOrigin(path)) ?? originOf(basename(path), attributes, pattern);
}

/**
 * @param fileName without its folder
 * @param attributes the file's `user.coredump.*`, without that prefix: systemd-coredump(8)
 * @param pattern the machine's kernel.core_pattern, when the file is of this machine
 */
export function originOf(fileName: string, attributes: Readonly<Record<string, string>> = {}, pattern?: string): Origin {
	return bySystemd(fileName, attributes) ?? byKernel(fileName, pattern) ?? { producer: 'unknown' };
}

/** `core.COMM.UID.BOOTID.PID.MICROSECONDS`; a copy under another name keeps its attributes. In COMM all but letters, digits, `_` and `-` as `\xNN`: systemd's coredump.c, make_filename(). */
const systemdName = /^core\.(.*)\.(\d+)\.([0-9a-f]{32})\.(\d+)\.(\d+)(?:\.(?:zst|lz4|xz|gz))?$/s;

function bySystemd(fileName: string, attributes: Readonly<Record<string, string>>): Origin | undefined {
	const match = systemdName.exec(fileName);
	if (!match && attributes.timestamp === undefined) return undefined;
	const [, escaped, , bootId, pid = attributes.pid, microseconds = attributes.timestamp] = match ?? [];
	return {
		producer: 'systemd-coredump',
		...defined({
			name: attributes.comm ?? (escaped === undefined ? undefined : unescaped(escaped)),
			bootId,
			hostPid: number(pid),
			timeMs: number(microseconds?.slice(0, -3)),
			executable: attributes.exe,
			hostname: attributes.hostname,
			signal: number(attributes.signal),
		}),
	};
}

const unescaped = (name: string) =>
	fileNameText(
		Buffer.concat(name.split(/\\x([0-9a-f]{2})/).map((part, index) => (index % 2 ? Buffer.from(part, 'hex') : Buffer.from(part)))),
	);

/** Patterns that machines commonly have, tried where the machine's own is not known or does not fit. */
const commonPatterns = ['core-%e-%s-%u-%g-%p-%t', 'core.%e.%p.%h.%t', 'core.%e.%p.%t', 'core.%h.%e.%p.%t', 'core.%e.%p', 'core.%p', 'core'];

function byKernel(fileName: string, own: string | undefined): Origin | undefined {
	const name = fileName.replace(/\.(?:zst|gz|lz4|xz)$/, '');
	for (const pattern of own === undefined || own.startsWith('|') ? commonPatterns : [own, ...commonPatterns]) {
		const found = match(pattern, name);
		if (found) return { producer: 'kernel', ...found };
	}
	return undefined;
}

/** What each `%` of core(5) looks like in a name. */
const specifiers: Readonly<Record<string, string>> = {
	...Object.fromEntries([...'pPiIugdcts'].map((letter) => [letter, '\\d+'])),
	F: '\\d+',
	h: '.*?',
	e: '.*?',
	f: '.*?',
	E: '.*?',
	C: '\\d+',
};

function match(pattern: string, name: string): Omit<Origin, 'producer'> | undefined {
	const letters: string[] = [];
	const base = pattern.slice(pattern.lastIndexOf('/') + 1);
	const source = base.replace(/%(.?)|[.*+?^${}()|[\]\\]/gs, (text, letter: string | undefined) => {
		if (letter === undefined) return `\\${text}`;
		if (letter === '%') return '%';
		const specifier = specifiers[letter];
		if (specifier === undefined) return ''; // the kernel drops what it does not know
		letters.push(letter);
		return `(${specifier})`;
	});
	// With kernel.core_uses_pid the pid is added to a pattern that lacks it.
	const match = new RegExp(`^${source}${letters.includes('p') ? '' : '(?:\\.\\d+)?'}$`, 's').exec(name);
	if (!match) return undefined;
	const text = (letter: string) => match[letters.indexOf(letter) + 1 || match.length];
	return defined({
		name: text('e') ?? text('f'),
		executable: text('E')?.replaceAll('!', '/'),
		hostPid: number(text('P')),
		hostname: text('h'),
		signal: number(text('s')),
		timeMs: milliseconds(number(text('t'))),
	});
}
