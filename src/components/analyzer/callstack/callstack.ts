import type { FileHandle } from 'node:fs/promises';
import { openRegular } from '../../../base/regular-file.ts';
import { fileBytes } from '../../../readers/bytes/bytes.ts';
import type { Corefile } from '../../../readers/corefile/corefile.ts';
import type { FoundModule } from '../modules.ts';
import type { StackFrame, Stacks } from '../stacks.ts';
import { namesOf } from './names.ts';
import { crashedProcess } from './process.ts';
import { type Walk, walk } from './walk.ts';

export type CallstackOptions = {
	readonly demangle: (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;
	readonly signal?: AbortSignal | undefined;
};

/** As many as a report has room for. */
const mostThreads = 2000;

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
	for (const { id, registers } of corefile.threads.slice(0, mostThreads)) {
		signal?.throwIfAborted();
		walks.push({ id, walk: await walk(registers, process) });
	}
	const frames = walks.flatMap(({ walk }) => walk.frames);
	const names = await namesOf(frames, demangle);
	return {
		threads: walks.map(({ id, walk }) => ({
			id,
			frames: upToMain(walk.frames.flatMap(names.framesOf)),
			omittedFrames: walk.omitted,
			faults: walk.faults,
			ended: walk.ended,
		})),
		abortMessage: null,
		exception: null,
		debugFiles: [],
		problems: [...names.problems],
	};
}

/** What comes before a program's own beginning is the same in all of them. */
function upToMain(frames: readonly StackFrame[]): readonly StackFrame[] {
	const main = frames.findIndex((frame) => frame.function === 'main');
	return main < 0 ? frames : frames.slice(0, main + 1);
}
