import type { FileHandle } from 'node:fs/promises';
import { openRegular } from '../../../base/regular-file.ts';
import { fileBytes } from '../../../readers/bytes/bytes.ts';
import type { Corefile } from '../../../readers/corefile/corefile.ts';
import type { FoundModule } from '../modules.ts';
import type { StackFrame, Stacks } from '../stacks.ts';
import { abortMessageOf } from './abort-message.ts';
import { type Exception, exceptionOn } from './exception.ts';
import { type Names, namesOf } from './names.ts';
import { type CrashedProcess, crashedProcess } from './process.ts';
import { returnedFrom } from './signal-frame.ts';
import { type Walk, walk } from './walk.ts';

export type CallstackOptions = {
	readonly demangle: (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;
	readonly signal?: AbortSignal | undefined;
};

/** As many as a report has room for. */
const mostThreads = 2000;
/** Of one thread, and of all together: thousands of forged stacks would take an hour. */
const [mostPassed, mostPassedTogether] = [20_000, 50_000];

/**
 * The stacks of all threads, by what the modules' files tell of their code: no debugger is asked, and of core and files only those pages are read
 * that the stacks lead to.
 *
 * @param path of the core, unpacked
 */
export async function callstacks(
	path: string,
	corefile: Corefile,
	modules: readonly FoundModule[],
	{ demangle, signal }: CallstackOptions,
): Promise<Stacks> {
	await using files = new AsyncDisposableStack();
	const core: FileHandle = files.use(await openRegular(path));
	const process = crashedProcess(fileBytes(core), corefile, modules, files);
	const walks: { readonly id: number; readonly walk: Walk }[] = [];
	let left = mostPassedTogether;
	for (const { id, registers } of corefile.threads.slice(0, mostThreads)) {
		signal?.throwIfAborted();
		const found = await walk(registers, process, Math.min(left, mostPassed));
		left -= found.frames.length + found.omitted;
		walks.push({ id, walk: found });
	}
	const names = await namesOf(
		walks.flatMap(({ walk }) => walk.frames),
		demangle,
	);
	const [first] = walks;
	const returned =
		first?.walk.innermost && first.walk.faults.length === 0
			? await returnedFrom(first.walk.innermost, process.machine, process.memory)
			: undefined;
	return {
		by: 'agent',
		threads: walks.map(({ id, walk }) => ({
			id,
			frames: upToMain(walk.frames.flatMap(names.framesOf)),
			omittedFrames: walk.omitted,
			faults: walk === first?.walk && returned ? [returned] : walk.faults,
			ended: walk.ended,
		})),
		abortMessage: await abortMessageOf(process),
		exception: await exceptionAmong(
			walks.map(({ walk }) => walk),
			names,
			process,
		),
		debugFiles: [],
		problems: names.problems,
	};
}

const SIGQUIT = 3;
const mostSuspects = 10;

/** Threads that may have thrown: the first, and those whose signals were not only Go's question for their stacks. */
async function exceptionAmong(walks: readonly Walk[], names: Names, { memory }: CrashedProcess): Promise<Exception | null> {
	const suspects = walks.filter(({ faults }, index) => index === 0 || (faults.length > 0 && faults.at(-1)?.signal !== SIGQUIT));
	for (const { frames } of suspects.slice(0, mostSuspects)) {
		const found = await exceptionOn(
			frames.map((frame) => ({ frame, calls: names.framesOf(frame) })),
			memory,
		);
		if (found) return found;
	}
	return null;
}

/** What comes before a program's own beginning is the same in all of them. */
function upToMain(frames: readonly StackFrame[]): readonly StackFrame[] {
	const main = frames.findIndex((frame) => frame.function === 'main');
	return main < 0 ? frames : frames.slice(0, main + 1);
}
