/** What is known of a crash without looking into its core. */
export type Origin = {
	/** Who wrote the core file. */
	readonly producer: 'systemd-coredump' | 'kernel' | 'abrt' | 'apport' | 'unknown';
	/** Name of the process, or with a kernel pattern of the thread that crashed. */
	readonly name?: string;
	readonly executable?: string;
	/** The command line. */
	readonly arguments?: string;
	/** On the machine. */
	readonly hostPid?: number;
	readonly bootId?: string;
	readonly hostname?: string;
	readonly signal?: number;
	readonly timeMs?: number;
};

/** Names, attributes and files may be forged: what is no number of sensible size is not there. */
export const number = (text: string | undefined) => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined);

export const milliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);
