import type { FileHandle } from 'node:fs/promises';
import { openRegular } from '../../../base/regular-file.ts';
import { fileBytes } from '../../../readers/bytes/bytes.ts';
import type { Corefile } from '../../../readers/corefile/corefile.ts';
import type { FoundModule } from '../modules.ts';
import type { Stacks } from '../stacks.ts';
import { abortMessageOf } from './abort-message.ts';
import { type Exception, exceptionOn } from './exception.ts';
import { type Names, namesOf } from './names.ts';
import { type CrashedProcess, crashedProcess } from './process.ts';
import { returnedFrom } from './signal-frame.ts';
import { type Walk, type WalkedFrame, walk } from './walk.ts';

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
		threads: walks.map(({ id, walk }) => {
			const beginning = mainIn(walk.frames, names, corefile.executable);
			return {
				id,
				frames: walk.frames.slice(0, beginning).flatMap(names.framesOf),
				omittedFrames: beginning === undefined ? walk.omitted : 0,
				faults: walk === first?.walk && returned ? [returned] : walk.faults,
				ended: beginning === undefined ? walk.ended : null,
			};
		}),
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

/** Where a program's own beginning ends: what comes before it is the same in all of them. A library may have a `main` too, and a program may call its own. */
function mainIn(frames: readonly WalkedFrame[], { framesOf }: Names, executable: string | undefined): number | undefined {
	const last = frames.findLastIndex(
		(frame) => (executable === undefined || frame.module?.path === executable) && framesOf(frame).at(-1)?.function === 'main',
	);
	return last < 0 ? undefined : last + 1;
}
