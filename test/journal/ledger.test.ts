import { describe } from 'vitest';
import { ledgerIn } from '../../src/journal/journal.ts';
import { type Kept, ledgerContract } from '../contract/ledger.ts';
import { emptyJournal } from '../support/journal.ts';

async function kept(): Promise<Kept> {
	const opened = await emptyJournal();
	return {
		ledger: ledgerIn(opened.journal),
		another: async () => ledgerIn(opened.journal),
		afterRestart: async () => ledgerIn(opened.reopen()),
		text: async () => opened.journal.view.bookmark('opinions'),
		spoil: async (text) => opened.journal.setBookmark('opinions', text),
		[Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
	};
}

describe('a ledger in the journal', () => {
	ledgerContract(kept);
});
