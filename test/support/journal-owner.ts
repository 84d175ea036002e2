/** A process that owns the journal named on its command line, does what it is told on standard input, a step a line, and lives until it is killed. */
import { createInterface } from 'node:readline';
import { done } from '../../src/domain/stage.ts';
import { type Claim, Journal } from '../../src/journal/journal.ts';
import { events } from './events.ts';
import { readers, take } from './journal.ts';

const steps: Readonly<Record<string, (key: string) => string>> = {
	/** Reports a crash. */
	append: (key) => `${journal.append(events(key).found).length} new`,
	/** Takes work of the analyzer in hand. */
	claim() {
		claim = take(journal, 'analyzer');
		return claim.event.key;
	},
	/** Ends it with an analysis. */
	settle: () => journal.settle(claim, done(events(claim.event.key).analysed)),
};

let journal: Journal;
let claim: Claim;
try {
	journal = new Journal(process.argv[2] ?? '', readers);
	console.log('opened');
} catch (error) {
	console.log(error);
	process.exit(1);
}
for await (const line of createInterface(process.stdin)) {
	const [step = '', key = ''] = line.split(' ');
	console.log(steps[step]?.(key) ?? `no step ${step}`);
}
