import { type Book, emptyBook, type Ledger, LedgerUnavailable } from '../../src/domain/ledger.ts';

/** A book that is nowhere but here; two who hold the same share it. */
export type MemoryLedger = Ledger & { book: Book; problem: string | undefined };

export function memoryLedger(): MemoryLedger {
	const ledger: MemoryLedger = {
		book: emptyBook,
		problem: undefined,
		async change(change) {
			if (ledger.problem !== undefined) throw new LedgerUnavailable(ledger.problem);
			const [next, result] = change(ledger.book);
			ledger.book = next;
			return result;
		},
	};
	return ledger;
}
