import { dirname } from 'node:path';

/** Where the kernel sends cores, by kernel.core_pattern: core(5). */
export type CoreDestination =
	| { readonly is: 'folder'; readonly path: string }
	/** A relative pattern: whatever folder the process is in when it dies. */
	| { readonly is: 'working directory' }
	| { readonly is: 'systemd-coredump'; readonly path: string }
	| { readonly is: 'program'; readonly program: string }
	| { readonly is: 'nowhere' };

/** Where systemd-coredump keeps its files: coredump.conf(5). */
const systemdFolder = '/var/lib/systemd/coredump';

export function coreDestination(pattern: string): CoreDestination {
	if (pattern === '') return { is: 'nowhere' };
	if (pattern.startsWith('|')) {
		const program = pattern.slice(1).trim().split(/\s+/)[0] ?? '';
		return program.endsWith('/systemd-coredump') ? { is: 'systemd-coredump', path: systemdFolder } : { is: 'program', program };
	}
	if (!pattern.startsWith('/')) return { is: 'working directory' };
	// A folder whose name depends on the crash can't be watched: the one above it is named.
	const fixed = pattern.split('%')[0] ?? '';
	return { is: 'folder', path: dirname(fixed.endsWith('/') ? `${fixed}x` : fixed) };
}
