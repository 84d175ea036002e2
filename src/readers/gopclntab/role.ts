/** What a function of the runtime does to a stack that is walked through it. */
export type Role =
	/** Calls C on the thread's own stack (`asmcgocall`), or Go on it (`systemstack`); comes back to the goroutine's. */
	| 'asmcgocall'
	| 'systemstack'
	/** Leaves the goroutine for the scheduler (`mcall`), for a larger stack (`morestack`), or for another one (`gogo`). */
	| 'mcall'
	| 'morestack'
	| 'gogo'
	/** Go that C calls. */
	| 'cgocallback'
	/** The handler that the kernel calls, to whose caller the signal's frame belongs. */
	| 'sigtramp'
	/** Called as if by the instruction that faulted. */
	| 'sigpanic'
	/** As if called by the instruction at which the goroutine was stopped. */
	| 'asyncPreempt'
	/** Where a goroutine, a thread, or the program begins. */
	| 'goexit'
	| 'mstart'
	| 'rt0_go';

/**
 * By name, which the tables always have. `funcID` says the same of most of them, but its numbers shift between releases that have
 * one and the same layout, and it knows no signal handlers.
 *
 * @see https://github.com/golang/go/blob/master/src/cmd/internal/objabi/funcid.go
 */
export function roleOf(name: string): Role | undefined {
	return roles.get(name);
}

const roles: ReadonlyMap<string, Role> = new Map([
	['runtime.asmcgocall', 'asmcgocall'],
	['runtime.asmcgocall_no_g', 'asmcgocall'],
	['runtime.systemstack', 'systemstack'],
	// The return address that a goroutine's saved stack has while systemstack runs.
	['runtime.systemstack_switch', 'systemstack'],
	['runtime.mcall', 'mcall'],
	['runtime.morestack', 'morestack'],
	['runtime.morestack_noctxt', 'morestack'],
	['runtime.gogo', 'gogo'],
	['runtime.cgocallback', 'cgocallback'],
	['runtime.sigtramp', 'sigtramp'],
	['runtime.cgoSigtramp', 'sigtramp'],
	['runtime.sigpanic', 'sigpanic'],
	['runtime.sigpanic0', 'sigpanic'],
	['runtime.asyncPreempt', 'asyncPreempt'],
	['runtime.goexit', 'goexit'],
	['runtime.mstart', 'mstart'],
	['runtime.rt0_go', 'rt0_go'],
] as const);
