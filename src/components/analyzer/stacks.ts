import type { Hex } from '../../base/hex.ts';
import type { Fault } from './death.ts';

/** The stacks of a core, whoever unwound them: the crashed thread first. */
export type Stacks = {
	/** Who unwound them; `agent`: this program itself. */
	readonly by: 'agent' | 'agent+gdb';
	readonly threads: readonly ThreadStack[];
	/** What the C library noted when it ended the process itself. */
	readonly abortMessage: string | null;
	readonly exception: { readonly type: string; readonly message: string | null } | null;
	/** Build-ids of modules of which the debug information is in a file of its own. */
	readonly debugFiles: readonly string[];
	readonly problems: readonly string[];
};

export type ThreadStack = {
	readonly id: number;
	/** The innermost first. */
	readonly frames: readonly StackFrame[];
	readonly omittedFrames: number;
	/** What the handlers of its signals interrupted, the first in time last. */
	readonly faults: readonly Fault[];
	/** Why it ended, if not at its beginning. */
	readonly ended: string | null;
};

export type StackFrame = {
	readonly pc: Hex;
	readonly function?: string;
	readonly file?: string;
	readonly line?: number;
	readonly inlined?: true;
	readonly arguments?: string;
};
