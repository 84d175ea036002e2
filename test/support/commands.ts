/** What the program can do, in the order in which its help tells. */
export const commands = [
	'agent',
	'analyze',
	'instances',
	'list',
	'show',
	'fetch',
	'gdb',
	'verify',
	'pin',
	'unpin',
	'restore',
	'import',
	'doctor',
	'config',
	'crash-test',
	'completion',
] as const;
