import { type Book, type Ledger, LedgerUnavailable, readBook } from '../domain/ledger.ts';
import type { Journal } from './journal.ts';
import { JournalUnavailable } from './open.ts';

const name = 'opinions';

/** What asking models has cost on a machine by itself. Whoever has the journal is alone with it, and a change is one step, so no two meet. */
export function ledgerIn(journal: Pick<Journal, 'changeBookmark'>): Ledger {
	return {
		async change<T>(change: (book: Book) => readonly [next: Book, result: T], signal: AbortSignal) {
			signal.throwIfAborted();
			try {
				return journal.changeBookmark(name, (text) => {
					const book = readBook(text);
					if (!book) throw new LedgerUnavailable(unreadable);
					const [next, result] = change(book);
					return [next === book ? undefined : JSON.stringify(next), result];
				});
			} catch (cause) {
				if (cause instanceof JournalUnavailable) throw new LedgerUnavailable(cause.message, { cause });
				throw cause;
			}
		},
	};
}

const unreadable = `what asking models has cost is not readable in the journal; to begin anew, stop the agent and delete it there: delete from bookmark where name = '${name}'`;
