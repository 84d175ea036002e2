import { type Hex, hex } from '../../../base/hex.ts';
import { type GoFunction, type Pclntab, PclntabError } from '../../../readers/gopclntab/gopclntab.ts';
import { codeAddress, type Frame } from '../../../readers/unwind/unwind.ts';
import type { Fault } from '../death.ts';
import { callerFrame, framePointerOf, isReturnAddress } from './frame-pointer.ts';
import { currentGoroutine, faultKeptBy, type Goroutine, goroutineAt, schedulerOf, userGoroutineOf, word } from './goroutine.ts';
import type { CodeModule } from './module.ts';
import type { CrashedProcess } from './process.ts';

export type GoCaller =
	| { readonly is: 'caller'; readonly frame: Frame; readonly fault?: Fault | undefined }
	| { readonly is: 'outermost' }
	| { readonly is: 'stopped'; readonly words: string };

export type GoModule = CodeModule & { readonly go: Pclntab };

/** From a frame of Go's to its caller; undefined where the code is none of Go's, or Go's tables do not say it. */
export type GoSteps = (frame: Frame, module: GoModule) => Promise<GoCaller | undefined>;

/**
 * Go's steps up the stack of one thread.
 *
 * @param registers the thread's, as the kernel names them
 */
export function goSteps(registers: Readonly<Record<string, Hex>>, process: CrashedProcess): GoSteps {
	let current: Promise<Goroutine | undefined> | undefined;
	let users: Promise<Goroutine | undefined> | undefined;

	return async (frame, module) => {
		const at = BigInt.asUintN(64, codeAddress(frame) - module.bias);
		try {
			const callee = await module.go.functionAt(at);
			if (!callee) return undefined;
			const size = await module.go.frameSizeAt(at);
			return await from({ frame, module, callee, size });
		} catch (error) {
			if (error instanceof PclntabError) return { is: 'stopped', words: `Go's table of functions can't be used: ${error.message}` };
			throw error;
		}
	};

	async function from(here: Here): Promise<GoCaller | undefined> {
		const { callee } = here;
		switch (callee.role) {
			case 'goexit':
			case 'gogo':
			case 'mstart':
			case 'rt0_go':
				return { is: 'outermost' };
			case 'asmcgocall':
				return (await callerOnStackLeft(here, await leftByCall(here))) ?? callerOnStackLeft(here, stackPointerOf(here.frame));
			case 'systemstack':
				return callerOnStackLeft(here, (await userGoroutine())?.sched.sp);
			case 'mcall':
				return (await resumed(await handedTo(here))) ?? { is: 'outermost' };
			case 'morestack':
				return (await resumed(await grown(here))) ?? callerOnStackLeft(here, stackPointerOf(here.frame));
			case 'cgocallback':
				return (await callerOnStackLeft(here, await leftByCallback(here))) ?? withoutC(here);
			case 'sigpanic':
				return panicked(await physical(here));
			case 'asyncPreempt':
				return exactly(await physical(here));
			case 'sigtramp':
				return physical(here);
			case undefined:
				if (callee.isTopFrame) return { is: 'outermost' };
				return callee.writesStackPointer ? undefined : physical(here);
			default:
				return callee.role satisfies never;
		}
	}

	/** By the frame's size: the return address is the first thing in it, or on AArch64 the last. */
	async function physical({ frame, size }: Here, stackPointer = stackPointerOf(frame)): Promise<GoCaller | undefined> {
		if (size === undefined || size < 0 || stackPointer === undefined) return undefined;
		const cfa = stackPointer + BigInt(size);
		if (process.machine.name === 'aarch64') return physicalWithLink(frame, size, stackPointer);
		const pc = await word(cfa, process.memory);
		if (pc === undefined) return { is: 'stopped', words: `the return address at ${hex(cfa)} is not in the core` };
		return { is: 'caller', frame: callerFrame(pc, cfa + 8n, await callersFramePointer(frame, size, cfa - 8n), process) };
	}

	/** What keeps a frame pointer has it right below the return address; the instruction at an exact address may still have to do that. */
	async function callersFramePointer(frame: Frame, size: number, slot: bigint): Promise<bigint | undefined> {
		const own = framePointerOf(frame, process);
		if (size < 8 || (frame.isExact && own !== slot)) return own;
		return word(slot, process.memory);
	}

	async function physicalWithLink(frame: Frame, size: number, stackPointer: bigint): Promise<GoCaller | undefined> {
		const pc = size === 0 ? frame.registers.get(linkRegister) : await word(stackPointer, process.memory);
		if (pc === undefined) return { is: 'stopped', words: 'the return address is not known' };
		const framePointer = size === 0 ? framePointerOf(frame, process) : await word(stackPointer - 8n, process.memory);
		const caller = callerFrame(pc, stackPointer + BigInt(size), framePointer, process);
		const goroutine = frame.registers.get(goroutineRegister.aarch64);
		const kept = goroutine === undefined ? caller.registers : new Map([...caller.registers, [goroutineRegister.aarch64, goroutine]]);
		return { is: 'caller', frame: { ...caller, registers: kept } };
	}

	function stackPointerOf({ registers: values }: Frame): bigint | undefined {
		return values.get(process.machine.stackPointer);
	}

	/** What all of a thread's stack asks for is looked for once. */
	function goroutine(): Promise<Goroutine | undefined> {
		const value = (name: string) => (registers[name] === undefined ? undefined : BigInt(registers[name]));
		const register = value(process.machine.name === 'aarch64' ? 'x28' : 'r14');
		current ??= currentGoroutine({ register, fsBase: value('fs_base') }, process.memory);
		return current;
	}

	function userGoroutine(): Promise<Goroutine | undefined> {
		users ??= goroutine().then((one) => one && userGoroutineOf(one, process.memory));
		return users;
	}

	/** Goes on where the function has left another stack, if its caller's return address is there. */
	async function callerOnStackLeft(here: Here, stackPointer: bigint | undefined): Promise<GoCaller | undefined> {
		if (stackPointer === undefined) return undefined;
		const caller = await physical({ ...here, frame: { ...here.frame, isExact: false } }, stackPointer);
		return caller?.is === 'caller' && (await isReturnAddress(caller.frame.pc, process)) ? caller : undefined;
	}

	/**
	 * Where `asmcgocall` left the goroutine's stack: it keeps the goroutine, and how deep its stack was, above the arguments of the C function; on a
	 * stack that it did not leave, zero and the stack pointer itself.
	 */
	async function leftByCall({ frame }: Here): Promise<bigint | undefined> {
		const stackPointer = stackPointerOf(frame);
		if (stackPointer === undefined) return undefined;
		for (const [kept, depthAt] of keptByCall[process.machine.name] ?? []) {
			const [address, depth] = [await word(stackPointer + kept, process.memory), await word(stackPointer + depthAt, process.memory)];
			if (address === undefined || depth === undefined) continue;
			if (address === 0n && depth > stackPointer) return depth;
			const left = await goroutineAt(address, process.memory);
			if (left && depth > 0n && depth <= left.stack.hi - left.stack.lo) return left.stack.hi - depth;
		}
		return undefined;
	}

	/**
	 * Where `cgocallback`, which C called, left C's stack: what it was given stands there as well as on the goroutine's, and there right below
	 * what the second of that points to. The scheduler (`g0.sched`) has it noted too, but a panic takes the note back while the stack is still there.
	 */
	async function leftByCallback({ frame, size }: Here): Promise<bigint | undefined> {
		const stackPointer = stackPointerOf(frame);
		if (stackPointer === undefined || size === undefined || size < 0) return undefined;
		const given = stackPointer + (process.machine.name === 'aarch64' ? 8n : 0n);
		const [called, passed] = [await word(given, process.memory), await word(given + 8n, process.memory)];
		if (!called || !passed) return undefined;
		for (let above = passed - 16n; above > passed - mostBelowPassed; above -= 8n) {
			if ((await word(above, process.memory)) !== called || (await word(above + 8n, process.memory)) !== passed) continue;
			return above - 8n - BigInt(size);
		}
		return undefined;
	}

	/**
	 * When a panic has taken the note back, the scheduler's stack is used anew, and what C had on it may be lost. Then the goroutine's own stack is gone up,
	 * as Go does: it looks as if the callback had been called by what switches stacks, on behalf of the call to C before.
	 */
	async function withoutC(here: Here): Promise<GoCaller | undefined> {
		const caller = await physical(here);
		if (caller?.is !== 'caller') return caller;
		const at = BigInt.asUintN(64, codeAddress(caller.frame) - here.module.bias);
		const callee = await here.module.go.functionAt(at);
		if (callee?.role !== 'systemstack') return caller;
		const size = await here.module.go.frameSizeAt(at);
		const before = await callerOnStackLeft({ ...here, frame: caller.frame, callee, size }, stackPointerOf(caller.frame));
		return before ?? { is: 'stopped', words: 'where C called Go is not to be found' };
	}

	/** The goroutine that `mcall` gives to what it calls, if no other thread has taken it up since. */
	async function handedTo({ frame }: Here): Promise<Goroutine | undefined> {
		const stackPointer = stackPointerOf(frame);
		const current = await goroutine();
		if (stackPointer === undefined || !current) return undefined;
		for (const offset of [0n, 8n]) {
			const address = await word(stackPointer + offset, process.memory);
			const handed = address === undefined ? undefined : await goroutineAt(address, process.memory);
			if (handed && handed.m === current.m && handed.address !== current.address) return handed;
		}
		return undefined;
	}

	/** The goroutine whose stack `morestack` has left to have it grown. Of the scheduler's own stack it only tells that it is at its end, and stays there. */
	async function grown({ frame }: Here): Promise<Goroutine | undefined> {
		const current = await goroutine();
		const scheduler = current && (await schedulerOf(current, process.memory));
		const below = (scheduler?.sched.sp ?? 0n) - (stackPointerOf(frame) ?? 0n);
		return below === 0n || below === linkBytes ? userGoroutine() : undefined;
	}

	async function resumed(goroutine: Goroutine | undefined): Promise<GoCaller | undefined> {
		if (!goroutine) return undefined;
		const { sp, pc } = goroutine.sched;
		if (!(await isReturnAddress(pc, process))) return undefined;
		const caller = callerFrame(pc, sp, undefined, process);
		const link = process.machine.name === 'aarch64' ? await savedLink(goroutine) : undefined;
		return {
			is: 'caller',
			frame: link === undefined ? caller : { ...caller, registers: new Map([...caller.registers, [linkRegister, link]]) },
		};
	}

	/** By the goroutine that faulted: the user's, or while C runs the scheduler's. */
	async function faultKept(pc: bigint) {
		const current = await goroutine();
		if (!current) return undefined;
		for (const struck of [await userGoroutine(), await schedulerOf(current, process.memory)]) {
			const kept = struck && (await faultKeptBy(struck, pc, process.memory));
			if (kept) return kept;
		}
		return undefined;
	}

	/** What was called last may not have saved its link register yet. */
	async function savedLink({ sched }: Goroutine): Promise<bigint | undefined> {
		for (const link of sched.links) if (await isReturnAddress(link, process)) return link;
		return undefined;
	}

	/** On AArch64 the link register of what faulted was pushed before. */
	async function faulting(caller: Frame): Promise<Frame> {
		const stackPointer = stackPointerOf(caller);
		if (process.machine.name !== 'aarch64' || stackPointer === undefined) return { ...caller, isExact: true };
		const link = await word(stackPointer, process.memory);
		const registers = new Map([...caller.registers, [process.machine.stackPointer, stackPointer + linkBytes]]);
		if (link !== undefined) registers.set(linkRegister, link);
		return { ...caller, registers, isExact: true };
	}

	/** The frame of a fault's panic looks as if the instruction that faulted had called it. */
	async function panicked(caller: GoCaller | undefined): Promise<GoCaller | undefined> {
		if (caller?.is !== 'caller') return caller;
		const { frame } = caller;
		const kept = await faultKept(frame.pc);
		const fault = kept && {
			signal: kept.signal,
			code: kept.code,
			address: hex(kept.address),
			pc: hex(kept.pc),
			stackPointer: hex(stackPointerOf(frame) ?? 0n),
		};
		// Where the fault was a jump to where no code is, the caller is who made it.
		return { ...caller, frame: kept && kept.pc !== frame.pc ? frame : await faulting(frame), fault };
	}
}

/** A frame of which Go's tables tell the function, and the frame's size in bytes. */
type Here = { readonly frame: Frame; readonly module: GoModule; readonly callee: GoFunction; readonly size: number | undefined };

/** How far below what C passes to Go its call is: the frames of two small functions that were made for it. */
const mostBelowPassed = 4096n;

/** What the link register takes on AArch64's stack, which keeps to multiples of 16. */
const linkBytes = 16n;

/** By DWARF number. */
const linkRegister = 30;
const goroutineRegister = { aarch64: 28 } as const;

/** Where `asmcgocall` keeps goroutine and depth, from the stack pointer on, the newest first. */
const keptByCall: Readonly<Record<string, readonly (readonly [bigint, bigint])[]>> = {
	'x86-64': [
		[8n, 0n],
		[48n, 40n],
	],
	aarch64: [[0n, 8n]],
};

/** The caller's address is that of an instruction, and not behind a call. */
const exactly = (caller: GoCaller | undefined): GoCaller | undefined =>
	caller?.is === 'caller' ? { ...caller, frame: { ...caller.frame, isExact: true } } : caller;
