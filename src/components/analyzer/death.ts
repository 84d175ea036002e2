import type { Hex } from '../../base/hex.ts';
import type { CrashKind, Frame, Signal } from '../../domain/report.ts';
import { isFault, isOfProcessor, isSent, signalCodeName, signalName } from '../../domain/signals.ts';
import type { Statement } from '../../readers/tracelog/tracelog.ts';
import { classify } from './culprit/culprit.ts';

/** What ended the process, as far as its signals, its own words and the crashed thread's stack say. */
export type Death = {
	readonly kind: CrashKind;
	/** The crash's own signal, which may be another than the core's. */
	readonly signal: Signal | null;
	/** The statement that says it best. */
	readonly statement: Statement | undefined;
	/** The process's own words. */
	readonly message: string | null;
	/** The log tells of another death than the core: it may be another's log, or of what the process survived. */
	readonly isContradicted: boolean;
};

/** What a signal's handler interrupted. */
export type Fault = {
	readonly signal: number;
	readonly code: number;
	/** Of a signal that was sent these bytes name the sender. */
	readonly address: Hex;
	readonly pc: Hex;
	readonly stackPointer: Hex;
	/** Where the thread was then, as far as that is known. */
	readonly registers?: Readonly<Record<string, Hex>>;
};

export type DeathInputs = {
	/** What the core says. */
	readonly coreSignal: Signal | null;
	/** What the handlers in the crashed thread's stack dealt with, the first in time last. */
	readonly faults: readonly Fault[];
	readonly statements: readonly Statement[];
	/** The crashed thread's. */
	readonly frames: readonly Frame[];
	readonly pid: number | undefined;
};

const [SIGABRT, SIGKILL, SIGSEGV, SIGTERM] = [6, 9, 11, 15];
const [SI_KERNEL, SI_USER] = [128, 0];

export function deathOf(inputs: DeathInputs): Death {
	const told = withMessage(decisive(inputs.statements), inputs.statements);
	const isContradicted = told !== undefined && !canBe(told, inputs);
	const statement = isContradicted ? undefined : told;
	const signal = ownSignal(inputs);
	return { kind: kindOf(inputs, statement, signal), signal, statement, message: statement ? wordsOf(statement) : null, isContradicted };
}

/** Who dies of a fault that no handler saw says nothing any more; who leaves a core has not ended itself. */
function canBe(statement: Statement, { coreSignal, faults }: DeathInputs): boolean {
	if (!coreSignal) return true;
	if (statement.is === 'exit') return false;
	if (faults.length > 0 || !isFault(coreSignal.number, coreSignal.code ?? 0)) return true;
	return statement.is === 'signal' && statement.signal === coreSignal.number;
}

/** A log tells only the type of an exception that is no std::exception; the core may have its text. */
function withMessage(statement: Statement | undefined, all: readonly Statement[]): Statement | undefined {
	if (statement?.is !== 'exception' || statement.message !== undefined) return statement;
	return all.find((one) => one.is === 'exception' && one.type === statement.type && one.message !== undefined) ?? statement;
}

/** The first that says more than a signal's number: what comes after it follows from it. Of what led to an exit the last says it best. */
export function decisive(statements: readonly Statement[]): Statement | undefined {
	const first = statements.find(({ is }) => is !== 'exit' && is !== 'signal') ?? statements.find(({ is }) => is === 'signal');
	return first ?? statements.findLast(({ is }) => is === 'exit');
}

/**
 * Go's runtime, and handlers of the process's own, take a fault and raise a signal anew: what they interrupted knows better, and so does the log.
 * In pid 1 of a container SIGABRT has no effect, and abort() goes on to an instruction that faults (glibc, stdlib/abort.c).
 */
function ownSignal({ coreSignal, faults, statements, frames, pid }: DeathInputs): Signal | null {
	if (coreSignal && isFault(coreSignal.number, coreSignal.code ?? 0) && faults.length === 0) return coreSignal;
	const interrupted = faults.findLast(({ signal, code }) => isOfProcessor(signal) && !isSent(code));
	if (interrupted) return signalOf(interrupted.signal, interrupted.code, interrupted.address);
	const sent = faults.findLast((fault) => isSent(fault.code) && pid !== undefined && senderOf(fault).pid !== pid);
	if (sent) return { ...signalOf(sent.signal, sent.code, undefined), sender: senderOf(sent) };
	const told = statements.find((one) => one.is === 'signal' && one.signal !== SIGABRT);
	if (told?.is === 'signal') return signalOf(told.signal, told.code, told.address);
	const top = frames[0] && classify(frames[0]).name;
	if (coreSignal?.number === SIGSEGV && coreSignal.code === SI_KERNEL && top === 'abort') return { number: SIGABRT, name: 'SIGABRT' };
	if (coreSignal) return coreSignal;
	const aborted = statements.some((one) => one.is === 'signal' && one.signal === SIGABRT);
	return aborted ? { number: SIGABRT, name: 'SIGABRT' } : null;
}

/** `si_pid` and `si_uid` stand where a fault has its address (include/uapi/asm-generic/siginfo.h). */
const senderOf = ({ address }: Fault) => ({
	pid: Number(BigInt(address) & 0xffff_ffffn),
	uid: Number(BigInt(address) >> 32n),
});

function signalOf(number: number, code: number | undefined, address: Hex | undefined): Signal {
	const name = signalName(number);
	if (code === undefined) return { number, name, ...(address === undefined ? {} : { address }) };
	const hasAddress = address !== undefined && isFault(number, code);
	return { number, name, code, codeName: signalCodeName(number, code), ...(hasAddress ? { address } : {}) };
}

function kindOf({ frames, pid }: DeathInputs, statement: Statement | undefined, signal: Signal | null): CrashKind {
	if (statement && statement.is !== 'signal' && statement.is !== 'exit') return statement.is;
	const shown = kindByFrames(frames);
	if (shown === 'go panic') return shown; // Go makes one of a fault
	if (signal && isOfProcessor(signal.number) && !isSent(signal.code ?? 1)) return 'fault';
	if (shown) return shown;
	if (signal?.sender ? signal.sender.pid !== pid : signal?.code === SI_USER) return 'killed';
	if (signal) return [SIGKILL, SIGTERM].includes(signal.number) ? 'killed' : 'abort';
	return statement?.is === 'exit' ? 'deliberate exit' : 'unknown';
}

/** Functions by which each kind of end shows in a stack. */
const marks: readonly (readonly [CrashKind, RegExp])[] = [
	['rust panic', /^(?:core::panicking|std::panicking)::|^rust_(?:panic|begin_unwind)|^std::alloc::rust_oom$/],
	['heap corruption', /^malloc_printerr|^tcache_double_free_verify$|^__stack_chk_fail|^__fortify_fail|_chk_fail$/],
	[
		'assertion',
		/^__assert(?:_fail|_perror_fail|$)|^std::__(?:glibcxx_assert_fail|replacement_assert)$|^__cxa_pure_virtual$|^milvus::.*EasyAssertInfo$/,
	],
	[
		'exception',
		/^__cxa_(?:throw|rethrow|call_terminate|call_unexpected)$|^std::(?:terminate|rethrow_exception)$|^__cxxabiv1::__terminate$/,
	],
	['go fatal error', /^runtime\.(?:throw|fatal|fatalthrow)$/],
	['go panic', /^runtime\.(?:gopanic|fatalpanic)$|^panic$/],
];

function kindByFrames(frames: readonly Frame[]): CrashKind | undefined {
	const names = frames.slice(0, 60).map((frame) => classify(frame).name);
	return marks.find(([, mark]) => names.some((name) => mark.test(name)))?.[0];
}

export function wordsOf(statement: Statement): string | null {
	switch (statement.is) {
		case 'signal':
			return null;
		case 'go panic':
		case 'go fatal error':
		case 'rust panic':
		case 'assertion':
		case 'heap corruption':
		case 'exit':
			return statement.message;
		case 'exception':
			return statement.message ?? null;
		default:
			return statement satisfies never;
	}
}
