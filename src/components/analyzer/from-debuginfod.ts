import { basename } from 'node:path';
import { several } from '../../base/several.ts';
import {
	type Answer,
	type BuiltFile,
	builtFile,
	type Debuginfod,
	type FileKind,
	type Session,
} from '../../drivers/debuginfod/debuginfod.ts';
import type { LoadedModule } from '../../drivers/gdb/gdb.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';
import { type FoundModule, foundAs, type Mapped, withDebugFile } from './found-module.ts';
import { shortestBuildId } from './symbol-places.ts';

type Options = {
	readonly signal?: AbortSignal | undefined;
	readonly onNote: (note: string) => void;
	readonly onAsking?: (() => void) | undefined;
};

/** For how many modules of one crash a server is asked. */
const mostModules = 32;
const mostAtOnce = 4;

/** What a server was asked for, and did not give. */
type Refusal = { readonly path: string; readonly kind: FileKind; readonly answer: Exclude<Answer, { is: 'file' }> };

/**
 * Asks for the files that are not here, and for the debug information of those that are without; first for what is likely in the stacks: the
 * executable, and where the threads are.
 */
export async function askDebuginfod(
	{ shown, session }: Debuginfod,
	core: Corefile,
	found: readonly FoundModule[],
	{ signal = new AbortController().signal, onNote, onAsking }: Options,
): Promise<FoundModule[]> {
	const wanted = found
		.map((one, index) => ({ one, index, mapped: core.modules[index] as Mapped }))
		.filter(({ one }) => isWanted(one))
		.sort(byInterest(core));
	if (wanted.length === 0) return [...found];
	onAsking?.();
	using asked = session(signal);
	const answers = await several(wanted.slice(0, mostModules), mostAtOnce, async ({ one, index, mapped }) => ({
		index,
		...(await completed(one, mapped, core.architecture.machine, asked)),
	}));
	for (const note of notesOf(answers.flatMap(({ refusals }) => refusals))) onNote(`debuginfod ${shown} ${note}`);
	const left = wanted.length - mostModules;
	if (left > 0) onNote(`debuginfod ${shown} was not asked for ${left} more files: ${mostModules} are the most for one crash`);
	const changed = new Map(answers.map(({ index, now }) => [index, now]));
	return found.map((one, index) => changed.get(index) ?? one);
}

/** Without a build-id there is nothing to ask by. */
function isWanted({ module: { buildId }, loaded, hasDebugInfo }: FoundModule): boolean {
	if (buildId === undefined || buildId.length < shortestBuildId) return false;
	return !loaded || !(hasDebugInfo || loaded.debugFile);
}

function byInterest({ executable, threads, architecture, locate }: Corefile) {
	const [first, ...others] = threads.map(({ registers }) => {
		const pc = registers[architecture.programCounter];
		return pc === undefined ? undefined : locate(pc)?.module;
	});
	const places = new Set(others);
	const rankOf = ({ module: { path }, loaded }: FoundModule) =>
		path === executable ? 0 : path === first ? 1 : places.has(path) ? 2 : loaded ? 4 : 3;
	return (a: { readonly one: FoundModule }, b: { readonly one: FoundModule }) => rankOf(a.one) - rankOf(b.one);
}

type Completed = { readonly now: FoundModule; readonly refusals: readonly Refusal[] };

async function completed(one: FoundModule, mapped: Mapped, machine: number, asked: Session): Promise<Completed> {
	const { loaded } = one;
	if (loaded) return withDebugInfo({ ...one, loaded }, mapped, machine, asked);
	const answer = await given(mapped, 'executable', machine, asked);
	if (answer.is !== 'file') return { now: one, refusals: [{ path: mapped.path, kind: 'executable', answer }] };
	const now = foundAs(mapped, answer.path, answer.elf, 'same');
	return now.hasDebugInfo ? { now, refusals: [] } : withDebugInfo(now, mapped, machine, asked);
}

async function withDebugInfo(
	now: FoundModule & { readonly loaded: LoadedModule },
	mapped: Mapped,
	machine: number,
	asked: Session,
): Promise<Completed> {
	const { path, buildId = '' } = mapped;
	const answer = await given(mapped, 'debuginfo', machine, asked);
	if (answer.is === 'file') return { now: withDebugFile(now, buildId, answer.path), refusals: [] };
	return { now, refusals: [{ path, kind: 'debuginfo', answer }] };
}

type Given = { readonly is: 'file'; readonly path: string; readonly elf: BuiltFile } | Refusal['answer'];

/** Of which build it is, was looked at when it came. */
async function given({ buildId = '' }: Mapped, kind: FileKind, machine: number, asked: Session): Promise<Given> {
	const answer = await asked.fileOf(buildId, kind);
	if (answer.is !== 'file') return answer;
	const elf = await builtFile(answer.path);
	return elf?.machine === machine ? { ...answer, elf } : { is: 'failed', reason: 'what it gave is of another machine' };
}

/** A line for each thing that went wrong, whatever number of files it was with. */
function notesOf(refusals: readonly Refusal[]): string[] {
	const lines = Map.groupBy(refusals, ({ kind, answer }) =>
		answer.is === 'none' ? (kind === 'executable' ? 'has no copy of' : 'has no debug information of') : `: ${answer.reason}`,
	);
	return [...lines].map(([words, about]) => {
		const names = namesOf(about.map(({ path }) => basename(path)));
		return words.startsWith(':') ? `did not help with ${names}${words}` : `${words} ${names}`;
	});
}

const mostNames = 3;

function namesOf(names: readonly string[]): string {
	const [told, left] = [names.slice(0, mostNames).join(', '), names.length - mostNames];
	return left > 0 ? `${told} and ${left} more` : told;
}
