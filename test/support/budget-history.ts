import { type Limits, permit, settled } from '../../src/components/opinion/budget.ts';
import { type Book, book as bookSchema, emptyBook } from '../../src/domain/ledger.ts';
import { randomOf } from './candidates.ts';
import { agenda } from './cleanup-history/agenda.ts';

const minute = 60_000;

export type Plan = {
	readonly limits: Limits;
	readonly begin: number;
	readonly end: number;
	/** How often the storming node asks. */
	readonly stormEveryMs: number;
	readonly stormCost: number;
	/** How many others there are, each with some questions at any time. */
	readonly others: number;
	readonly otherCost: number;
	/** Another rule than that of the product. */
	readonly decide?: typeof permit;
};

export type Asked = { readonly party: string; readonly askedAt: number; readonly grantedAt?: number };

/**
 * Some days of a cluster in which one node has question after question, and others one now and then, which they ask again until it is granted. Their clocks
 * differ by up to a minute; now and then one dies between asking and settling, and all that is kept is what was written.
 */
export function budgetHistory(seed: number, plan: Plan) {
	const random = randomOf(seed);
	const between = (least: number, most: number) => least + random() * (most - least);
	const time = agenda();
	const granted: { readonly at: number; readonly month: string; readonly cost: number; readonly party: string }[] = [];
	const asked: Asked[] = [];
	const decide = plan.decide ?? permit;
	let text = JSON.stringify(emptyBook);
	let tickets = 0;

	const clocks = new Map<string, number>();
	const clockOf = (party: string) => {
		if (!clocks.has(party)) clocks.set(party, between(-30_000, 30_000));
		return Math.round(time.now + (clocks.get(party) ?? 0));
	};
	function change<T>(step: (book: Book) => readonly [Book, T]): T {
		const [next, result] = step(bookSchema.parse(JSON.parse(text)));
		text = JSON.stringify(next);
		return result;
	}

	function ask(party: string, most: number): boolean {
		const ticket = `ticket ${++tickets}`;
		const answer = change((book) => decide(book, { about: ticket, party, cost: most, ticket }, plan.limits, clockOf(party)));
		if (answer.is !== 'granted') return false;
		const cost = most * random();
		granted.push({ at: time.now, month: bookSchema.parse(JSON.parse(text)).month.name, cost, party });
		const isDead = random() < 0.05;
		if (!isDead)
			time.at(time.now + between(1_000, 30_000), () => change((book) => [settled(book, ticket, { cost }, clockOf(party)), undefined]));
		return true;
	}

	function storm(): void {
		ask('storm', plan.stormCost * random());
		time.at(time.now + between(0.2, 1.8) * plan.stormEveryMs, storm);
	}

	function want(party: string): void {
		const index = asked.push({ party, askedAt: time.now }) - 1;
		const attempt = () => {
			if (ask(party, plan.otherCost)) asked[index] = { ...(asked[index] as Asked), grantedAt: time.now };
			else time.at(time.now + between(1, 5) * minute, attempt);
		};
		attempt();
	}

	time.at(plan.begin, storm);
	for (let index = 0; index < plan.others; index++)
		for (let count = between(1, 3); count > 0; count--) time.at(between(plan.begin, plan.end), () => want(`node-${index}`));
	time.run(plan.end);
	return { granted, asked, sizeBytes: Buffer.byteLength(text) };
}
