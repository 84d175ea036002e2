import { type Backend, type Content, NotStored } from '../../domain/backend.ts';
import { type DeletionNote, deletionNoteIn } from '../../domain/beside.ts';
import { type Beside, besideOf } from './name.ts';

type Marks = {
	/** That a stored core is to stay. */
	readonly pin: { readonly pinnedAt: string };
	/** That a core was deleted from a store that several share. Whoever stored it takes note, and removes this. */
	readonly deletion: DeletionNote;
};

/** Says something of a stored core, for everybody who uses the store. @throws {BackendUnavailable | BackendRefused} */
export async function mark<M extends keyof Marks>(
	backend: Backend,
	core: string,
	what: M,
	body: Marks[M],
	signal: AbortSignal,
): Promise<void> {
	await backend.put(besideOf(core, what), jsonOf(body), signal);
}

/** Why a core was deleted from a store that is shared; undefined where nobody did. @throws {BackendUnavailable | BackendRefused} */
export async function deletionNote(backend: Backend, core: string, signal: AbortSignal): Promise<DeletionNote | undefined> {
	return deletionNoteIn(await jsonBeside(backend, core, 'deletion', signal));
}

/** A megabyte of report is unheard of; what is larger than this is none. */
const mostBytes = 64 << 20;

/** What stands beside a core. Undefined where nothing does, or what is no JSON. @throws {BackendUnavailable | BackendRefused} */
export async function jsonBeside(backend: Backend, core: string, what: Beside, signal: AbortSignal): Promise<unknown> {
	const chunks: Uint8Array[] = [];
	let sizeBytes = 0;
	try {
		for await (const chunk of backend.get(besideOf(core, what), signal)) {
			sizeBytes += chunk.length;
			if (sizeBytes > mostBytes) return undefined;
			chunks.push(Buffer.from(chunk));
		}
		return JSON.parse(Buffer.concat(chunks).toString());
	} catch (error) {
		if (error instanceof NotStored || error instanceof SyntaxError) return undefined;
		throw error;
	}
}

/** Written for people too. */
export const jsonOf = (body: unknown): Content => ({
	async *open() {
		yield Buffer.from(`${JSON.stringify(body, null, '\t')}\n`);
	},
});
