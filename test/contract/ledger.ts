import { expect, test } from 'vitest';
import { permit } from '../../src/components/opinion/budget.ts';
import { emptyBook, type Ledger, LedgerUnavailable } from '../../src/domain/ledger.ts';

/** Where a book is kept, made anew for each test. */
export type Kept = AsyncDisposable & {
	readonly ledger: Ledger;
	/** As another part of the agent, or another agent, has it. */
	another(): Promise<Ledger>;
	/** As the next process has it. */
	afterRestart(): Promise<Ledger>;
	/** What is kept, and another each time when it was written; undefined: nothing yet. */
	text(): Promise<string | undefined>;
	/** Somebody changes it by hand. */
	spoil(text: string): Promise<void>;
};

const never = new AbortController().signal;
const limits = { maxCostPerMonth: 1_000_000, maxPerHour: 1_000 };
const now = Date.now();

/** One more question. @returns what is open then */
const ask = (ledger: Ledger, ticket: string) =>
	ledger.change((book) => {
		const [next] = permit(book, { about: ticket, party: `node of ${ticket}`, cost: 1, ticket }, limits, now);
		return [next, next.open.map((one) => one.ticket)];
	}, never);
const tickets = (ledger: Ledger) => ledger.change((book) => [book, book.open.map(({ ticket }) => ticket)], never);

/** What every ledger promises. */
export function ledgerContract(make: () => Promise<Kept>): void {
	test('the first finds an empty book', async () => {
		await using kept = await make();
		expect(await kept.ledger.change((book) => [book, book], never)).toEqual(emptyBook);
		expect(await kept.text()).toBeUndefined();
	});

	test('what was written is there for all, also after a restart', async () => {
		await using kept = await make();
		expect(await ask(kept.ledger, 'one')).toEqual(['one']);
		expect(await ask(await kept.another(), 'two')).toEqual(['one', 'two']);
		expect(await tickets(kept.ledger)).toEqual(['one', 'two']);
		expect(await tickets(await kept.afterRestart())).toEqual(['one', 'two']);
	});

	test('of two hundred changes by four at once none is lost', async () => {
		await using kept = await make();
		const writers = [kept.ledger, kept.ledger, await kept.another(), await kept.another()];
		const names = writers.map((_, writer) => Array.from({ length: 50 }, (_, index) => `${writer}.${index}`));
		await Promise.all(
			writers.map(async (ledger, writer) => {
				for (const name of names[writer] ?? []) expect(await ask(ledger, name)).toContain(name);
			}),
		);
		expect((await tickets(kept.ledger)).toSorted()).toEqual(names.flat().toSorted());
	});

	test('a change that gives back what it was given writes nothing, nor does one that fails', async () => {
		await using kept = await make();
		await ask(kept.ledger, 'one');
		const before = await kept.text();
		await tickets(kept.ledger);
		const failing = kept.ledger.change(() => {
			throw new RangeError('a bug');
		}, never);
		await expect(failing).rejects.toThrow(RangeError);
		expect(await kept.text()).toBe(before);
		expect(await ask(kept.ledger, 'two')).toEqual(['one', 'two']);
	});

	test('what can not be read stays as it is, and the message says what to do', async () => {
		await using kept = await make();
		for (const text of ['{"recent": [', '[]', '{"recent":[],"month":{"name":"2026-11","spent":{"a":"much"}},"open":[],"answers":[]}']) {
			await kept.spoil(text);
			const before = await kept.text();
			const error = await ask(kept.ledger, 'one').catch((error) => error);
			expect(error).toBeInstanceOf(LedgerUnavailable);
			expect(error.message).toMatch(/^.*is not readable.*to begin anew.*$/);
			expect(await kept.text()).toBe(before);
		}
		await kept.spoil('');
		expect(await ask(kept.ledger, 'one')).toEqual(['one']);
	});

	test('after the signal nothing is changed', async () => {
		await using kept = await make();
		await ask(kept.ledger, 'one');
		const before = await kept.text();
		const stopped = kept.ledger.change((book) => [{ ...book, open: [] }, undefined], AbortSignal.abort(new Error('the agent stops')));
		await expect(stopped).rejects.toThrow('the agent stops');
		expect(await kept.text()).toBe(before);
	});
}
