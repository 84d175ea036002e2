import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { EpochMs } from '../../src/domain/stage.ts';
import { type Claim, Journal, type JournalOptions, type Readers } from '../../src/journal/journal.ts';
import { temporaryFolder } from './crash.ts';

/** The stages of an agent, in the order in which a crash passes them. */
export const readers: Readers = { CoredumpFile: ['analyzer'], AnalysisResults: ['storage'], StorageEvent: ['remover'] };

export type OpenJournal = AsyncDisposable & {
	readonly path: string;
	/** Stands until a test moves it. */
	readonly clock: { now: EpochMs };
	readonly journal: Journal;
	/** Leaves the file to somebody else. */
	close(): void;
	/** Closes it if it is open, and opens it again as the next process would. */
	reopen(readers?: Readers): Journal;
};

/** An empty journal in a folder of its own. */
export async function emptyJournal(stages: Readers = readers, options: JournalOptions = {}): Promise<OpenJournal> {
	const folder = await temporaryFolder();
	const path = join(folder.path, 'journal.db');
	const clock = { now: Date.parse('2026-11-23T06:30:00Z') };
	let journal = new Journal(path, stages, { now: () => clock.now, ...options });
	let isOpen = true;
	const close = () => {
		if (isOpen) journal[Symbol.dispose]();
		isOpen = false;
	};
	return {
		path,
		clock,
		get journal() {
			return journal;
		},
		close,
		reopen(next = stages) {
			close();
			journal = new Journal(path, next, { now: () => clock.now, ...options });
			isOpen = true;
			return journal;
		},
		async [Symbol.asyncDispose]() {
			close();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** What is due for a stage; there must be something. */
export function take(journal: Journal, stage: string): Claim {
	const claim = journal.claim(stage);
	if (!claim) throw new Error(`nothing is due for ${stage}`);
	return claim;
}

export type Owner = AsyncDisposable & {
	/** Has it do one of the steps of journal-owner.ts. @returns its answer */
	ask(step: string): Promise<string>;
	/** kill -9 */
	kill(): Promise<void>;
};

/** Another process that owns a journal until it is killed. */
export async function ownerOf(path: string): Promise<Owner> {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'journal-owner.ts'), path], { stdio: ['pipe', 'pipe', 'ignore'] });
	const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
	const answer = async () => String((await lines.next()).value);
	const kill = () => killed(child);
	const opened = await answer();
	if (opened !== 'opened') {
		await kill();
		throw new Error(opened);
	}
	return {
		ask(step) {
			child.stdin.write(`${step}\n`);
			return answer();
		},
		kill,
		[Symbol.asyncDispose]: kill,
	};
}

async function killed(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const exit = once(child, 'exit');
	child.kill('SIGKILL');
	await exit;
}
