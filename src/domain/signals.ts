/** Signal numbers of Linux on x86-64 and aarch64: signal(7). */
const names: readonly (string | undefined)[] = [
	undefined,
	'SIGHUP',
	'SIGINT',
	'SIGQUIT',
	'SIGILL',
	'SIGTRAP',
	'SIGABRT',
	'SIGBUS',
	'SIGFPE',
	'SIGKILL',
	'SIGUSR1',
	'SIGSEGV',
	'SIGUSR2',
	'SIGPIPE',
	'SIGALRM',
	'SIGTERM',
	'SIGSTKFLT',
	'SIGCHLD',
	'SIGCONT',
	'SIGSTOP',
	'SIGTSTP',
	'SIGTTIN',
	'SIGTTOU',
	'SIGURG',
	'SIGXCPU',
	'SIGXFSZ',
	'SIGVTALRM',
	'SIGPROF',
	'SIGWINCH',
	'SIGIO',
	'SIGPWR',
	'SIGSYS',
];

/** `si_code` of faults, by signal: include/uapi/asm-generic/siginfo.h. */
const faultCodes: Readonly<Record<string, readonly string[]>> = {
	SIGILL: ['ILL_ILLOPC', 'ILL_ILLOPN', 'ILL_ILLADR', 'ILL_ILLTRP', 'ILL_PRVOPC', 'ILL_PRVREG', 'ILL_COPROC', 'ILL_BADSTK', 'ILL_BADIADDR'],
	SIGFPE: ['FPE_INTDIV', 'FPE_INTOVF', 'FPE_FLTDIV', 'FPE_FLTOVF', 'FPE_FLTUND', 'FPE_FLTRES', 'FPE_FLTINV', 'FPE_FLTSUB'],
	SIGSEGV: [
		'SEGV_MAPERR',
		'SEGV_ACCERR',
		'SEGV_BNDERR',
		'SEGV_PKUERR',
		'SEGV_ACCADI',
		'SEGV_ADIDERR',
		'SEGV_ADIPERR',
		'SEGV_MTEAERR',
		'SEGV_MTESERR',
		'SEGV_CPERR',
	],
	SIGBUS: ['BUS_ADRALN', 'BUS_ADRERR', 'BUS_OBJERR', 'BUS_MCEERR_AR', 'BUS_MCEERR_AO'],
	SIGTRAP: ['TRAP_BRKPT', 'TRAP_TRACE', 'TRAP_BRANCH', 'TRAP_HWBKPT', 'TRAP_UNK', 'TRAP_PERF'],
	SIGSYS: ['SYS_SECCOMP', 'SYS_USER_DISPATCH'],
};

/** `si_code` of signals that somebody sent, for any signal; the kernel's own general code is 128. */
const senderCodes: Readonly<Record<number, string>> = {
	0: 'SI_USER',
	[-1]: 'SI_QUEUE',
	[-2]: 'SI_TIMER',
	[-3]: 'SI_MESGQ',
	[-4]: 'SI_ASYNCIO',
	[-5]: 'SI_SIGIO',
	[-6]: 'SI_TKILL',
	[-7]: 'SI_DETHREAD',
	128: 'SI_KERNEL',
};

/** `SIGSEGV` for 11; `SIGRTMIN+2` and `signal 99` for what has no name of its own. */
export function signalName(number: number): string {
	if (number >= 34 && number <= 64) return `SIGRTMIN+${number - 34}`;
	return names[number] ?? `signal ${number}`;
}

/** `SEGV_MAPERR` for code 1 of SIGSEGV; the bare number for a code that is not listed. */
export function signalCodeName(signal: number, code: number): string {
	return senderCodes[code] ?? faultCodes[signalName(signal)]?.[code - 1] ?? String(code);
}

/** The signal that an exit code tells of: inits and shells turn the death of their child by one into 128 and the number of it. */
export const signalOfExit = (exitCode: number): number | undefined => (exitCode > 128 && exitCode < 128 + 65 ? exitCode - 128 : undefined);

/** True for the signals whose default action is a core: signal(7). */
export const leavesCore = (signal: number) => [3, 4, 5, 6, 7, 8, 11, 24, 25, 31].includes(signal);

/** True for SIGILL, SIGTRAP, SIGBUS, SIGFPE and SIGSEGV: what an instruction can bring about. */
export const isOfProcessor = (signal: number) => [4, 5, 7, 8, 11].includes(signal);

/** True when the signal is a fault that the processor found, so that siginfo holds an address. */
export const isFault = (signal: number, code: number) => code > 0 && code !== 128 && isOfProcessor(signal);

/** True when siginfo names the process that sent the signal: kill(2), sigqueue(3), tgkill(2). */
export const isSent = (code: number) => code === 0 || code === -1 || code === -6;
