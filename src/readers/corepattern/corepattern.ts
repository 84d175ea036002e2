import { dirname } from 'node:path';

/** Where the kernel sends cores, by kernel.core_pattern: core(5). */
export type CoreDestination =
	| { readonly is: 'folder'; readonly path: string }
	/** Folders below this one, whose names depend on the crash. */
	| { readonly is: 'folders'; readonly path: string }
	/** A relative pattern: whatever folder the process is in when it dies. */
	| { readonly is: 'working directory' }
	| { readonly is: 'systemd-coredump'; readonly path: string }
	| { readonly is: 'program'; readonly program: string }
	/** A server's socket, `@path` or `@@path`: kernels from 6.16 on. */
	| { readonly is: 'socket'; readonly path: string }
	| { readonly is: 'nowhere' };

/** Where systemd-coredump keeps its files: coredump.conf(5). */
const systemdFolder = '/var/lib/systemd/coredump';

export function coreDestination(pattern: string): CoreDestination {
	if (pattern === '') return { is: 'nowhere' };
	if (pattern.startsWith('|')) {
		const program = pattern.slice(1).trim().split(/\s+/)[0] ?? '';
		return program.endsWith('/systemd-coredump') ? { is: 'systemd-coredump', path: systemdFolder } : { is: 'program', program };
	}
	if (pattern.startsWith('@')) return { is: 'socket', path: pattern.replace(/^@@?/, '') };
	if (!pattern.startsWith('/')) return { is: 'working directory' };
	const folder = dirname(pattern);
	const fixed = folder.split('%')[0] ?? '';
	return fixed === folder ? { is: 'folder', path: folder } : { is: 'folders', path: dirname(`${fixed}x`) };
}
