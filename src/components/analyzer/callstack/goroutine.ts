import type { Memory } from '../../../readers/unwind/unwind.ts';

/**
 * What a walk needs of the structures of Go's runtime (`runtime.g`, `runtime.m`), found by what must be true of them: which fields stand first has been the same
 * from Go 1.16 to 1.27, what follows has not.
 *
 * @see https://github.com/golang/go/blob/master/src/runtime/runtime2.go
 */
export type Goroutine = {
	readonly address: bigint;
	readonly stack: { readonly lo: bigint; readonly hi: bigint };
	/** The thread (`m`) that runs it. */
	readonly m: bigint;
	/** Where it goes on: saved when its stack is left. */
	readonly sched: {
		readonly sp: bigint;
		readonly pc: bigint;
		/** One of them is the link register, by release. */
		readonly links: readonly bigint[];
	};
};

/** Offsets in bytes. In `m` the first field is `g0`, which runs the scheduler. */
const [stackLo, stackHi, gM, schedSp, schedPc, gBytes] = [0, 8, 48, 56, 64, 104];
const schedLinks = [96, 88];

/** A goroutine that runs on a thread, if that is what lies at an address: its thread's own goroutine names the same thread. */
export async function goroutineAt(address: bigint, memory: Memory): Promise<Goroutine | undefined> {
	const found = await goroutine(address, memory);
	if (!found) return undefined;
	const g0 = await word(found.m, memory);
	return g0 !== undefined && (await word(g0 + BigInt(gM), memory)) === found.m ? found : undefined;
}

async function goroutine(address: bigint, memory: Memory): Promise<Goroutine | undefined> {
	if (address < 4096n || address % 8n !== 0n) return undefined;
	const bytes = await memory(address, gBytes);
	if (!bytes) return undefined;
	const [lo, hi] = [bytes.readBigUInt64LE(stackLo), bytes.readBigUInt64LE(stackHi)];
	const m = bytes.readBigUInt64LE(gM);
	if (lo >= hi || m < 4096n || m % 8n !== 0n) return undefined;
	return {
		address,
		stack: { lo, hi },
		m,
		sched: {
			sp: bytes.readBigUInt64LE(schedSp),
			pc: bytes.readBigUInt64LE(schedPc),
			links: schedLinks.map((at) => bytes.readBigUInt64LE(at)),
		},
	};
}

/** Go's variable in thread-local storage stands so near to the thread pointer. */
const mostTlsBytes = 1024;

/** The goroutine that a thread runs: on x86-64 by thread-local storage, which lies below the thread pointer; on AArch64 by the register that Go keeps for it. */
export async function currentGoroutine(
	{ fsBase, register }: { readonly fsBase: bigint | undefined; readonly register: bigint | undefined },
	memory: Memory,
): Promise<Goroutine | undefined> {
	const inRegister = register === undefined ? undefined : await goroutineAt(register, memory);
	if (inRegister || fsBase === undefined || fsBase < mostTlsBytes) return inRegister;
	const found = await memory(fsBase - BigInt(mostTlsBytes), mostTlsBytes);
	const storage = found ? Buffer.from(found) : Buffer.alloc(0);
	for (let at = storage.length - 8; at >= 0; at -= 8) {
		const one = await goroutineAt(storage.readBigUInt64LE(at), memory);
		if (one) return one;
	}
	return undefined;
}

/** The scheduler's goroutine of a thread. */
export async function schedulerOf({ m }: Goroutine, memory: Memory): Promise<Goroutine | undefined> {
	const g0 = await word(m, memory);
	return g0 === undefined ? undefined : goroutineAt(g0, memory);
}

/** How much of `m` comes before the field is passed that names what it runs for users. */
const mostThreadBytes = 512;

/** The user's goroutine of a thread (`m.curg`): the first that it names behind its own two, which run the scheduler and the handlers of signals. */
export async function userGoroutineOf({ m }: Goroutine, memory: Memory): Promise<Goroutine | undefined> {
	const found = await memory(m, mostThreadBytes);
	if (!found) return undefined;
	const fields = Buffer.from(found);
	const own: bigint[] = [];
	for (let at = 0; at < fields.length; at += 8) {
		const address = fields.readBigUInt64LE(at);
		if (own.includes(address)) continue;
		const one = await goroutineAt(address, memory);
		if (one?.m !== m) continue;
		if (own.length === 2) return one;
		own.push(address);
	}
	return undefined;
}

export async function word(address: bigint, memory: Memory): Promise<bigint | undefined> {
	return (await memory(BigInt.asUintN(64, address), 8))?.readBigUInt64LE(0);
}

/** How far into `g` the fields reach that keep a fault. */
const mostFieldBytes = 1024;

/** What Go keeps of a fault of which it makes a panic. */
export type KeptFault = { readonly signal: number; readonly code: number; readonly address: bigint; readonly pc: bigint };

/**
 * The fault that a goroutine panics for, by where it is kept: `sig`, then a slice, then `sigcode0`, `sigcode1`, `sigpc`.
 *
 * @param pc of the frame that seems to have called `runtime.sigpanic`: of what faulted, unless that was a jump to where no code is
 */
export async function faultKeptBy({ address }: Goroutine, pc: bigint, memory: Memory): Promise<KeptFault | undefined> {
	const found = await memory(address, mostFieldBytes);
	const fields = found ? Buffer.from(found) : Buffer.alloc(0);
	for (let at = 48; at + 8 <= fields.length; at += 8) {
		const [signal, code] = [fields.readUInt32LE(at - 48), Number(BigInt.asIntN(32, fields.readBigUInt64LE(at - 16)))];
		const kept = { signal, code, address: fields.readBigUInt64LE(at - 8), pc: fields.readBigUInt64LE(at) };
		const isOfFrame = kept.pc === pc && signal >= 1 && signal <= 64 && code >= -64 && code <= 128;
		const isBadJump = kept.pc === kept.address && signal === SIGSEGV && (code === SEGV_MAPERR || code === SEGV_ACCERR);
		if (isOfFrame || isBadJump) return kept;
	}
	return undefined;
}

const [SIGSEGV, SEGV_MAPERR, SEGV_ACCERR] = [11, 1, 2];
