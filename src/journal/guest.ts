import type { Event } from '../domain/events.ts';
import type { EpochMs } from '../domain/stage.ts';
import { appending, inTransaction, type Readers } from './appending.ts';
import { expectVersion, isOwned, openBeside, withJournal } from './open.ts';
import { publication } from './publication.ts';
import { statements } from './statements.ts';
import { JournalView } from './view.ts';

/** A journal of which another process is the owner, or of which nobody is just now. */
export type JournalGuest = Disposable & {
	readonly view: JournalView;

	/**
	 * Appends what follows from what is there: nothing comes in between. The work that it makes is the owner's, who notices it within seconds, or finds it
	 * there when it starts.
	 *
	 * @returns the events that were new
	 * @throws {JournalUnavailable} then nothing was appended
	 * @throws {JournalError} another version has come meanwhile
	 */
	append(decide: (view: JournalView) => readonly Event[]): readonly Event[];

	/** Whether an agent runs that will do the work. */
	isOwned(): boolean;
};

/**
 * Opens a journal to append to it, beside the agent that runs, or when none does. What that has in hand stays so.
 *
 * @param readers what the owner's stages read, of the kinds that are appended
 * @throws {JournalError} none there, of another version, or not usable
 */
export function joinJournal(path: string, readers: Readers, now: () => EpochMs = Date.now): JournalGuest {
	const db = openBeside(path);
	const view = new JournalView(db);
	const { append } = appending({ sql: statements(db), view, publication: publication(db), readers, now });
	return {
		view,
		append: (decide) =>
			withJournal(path, () =>
				inTransaction(db, () => {
					expectVersion(db, path);
					return append(decide(view));
				}),
			),
		isOwned: () => isOwned(path),
		[Symbol.dispose]: () => db.close(),
	};
}
