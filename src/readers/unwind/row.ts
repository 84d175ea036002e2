/** How the canonical frame address is made: the value of the stack pointer before the frame's function was called. */
export type CfaRule =
	| { readonly is: 'register'; readonly register: number; readonly offset: bigint }
	| { readonly is: 'expression'; readonly expression: Buffer };

/** Where a register of the caller is: DWARF 5, section 6.4.1. `offset` counts from the CFA. */
export type RegisterRule =
	| { readonly is: 'undefined' }
	| { readonly is: 'same value' }
	| { readonly is: 'offset'; readonly offset: bigint }
	| { readonly is: 'val_offset'; readonly offset: bigint }
	| { readonly is: 'register'; readonly register: number }
	| { readonly is: 'expression'; readonly expression: Buffer }
	| { readonly is: 'val_expression'; readonly expression: Buffer };

/** The rules for one address in the code. Registers have the numbers of the processor's DWARF. */
export type Row = {
	readonly cfa: CfaRule;
	/** Those without a rule are as the processor's ABI has it. */
	readonly registers: ReadonlyMap<number, RegisterRule>;
	readonly returnAddressRegister: number;
	/** aarch64: the return address is signed where it is kept, and can't be used as it is. */
	readonly isReturnAddressSigned: boolean;
	/** The frame is one that the kernel made to call a signal handler. */
	readonly isSignalFrame: boolean;
};
