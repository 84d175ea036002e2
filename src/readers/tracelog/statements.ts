import { isDeepStrictEqual } from 'node:util';
import { isRecovered, isSilent, type Opening, oldRustPanic, readOpening, readSingle, toldByArguments } from './forms.ts';
import { assertionIn, cleanMessage } from './messages.ts';
import { address, readSignalDetails } from './signals.ts';
import type { Said, Statement } from './tracelog.ts';

/** A statement whose message may go on over the next lines. */
type Open = Opening & { readonly at: number };

/** Messages have no more lines; what goes on beyond is something else, and only the first is believed. */
const mostLines = 20;
/** Longer messages say no more. */
const longestMessage = 4096;
/**
 * Of more the middle is left out: the cause comes first, but a process may have complained for long before it died,
 * and then the end tells.
 */
const mostStatements = 1000;

/** Finds what was said, line by line. */
export class Statements {
	readonly #said: Statement[] = [];
	#leftOut = 0;
	#open: Open | undefined;
	/** The last value of a chain of panics that may go on. */
	#panic: { readonly isRecovered: boolean } | undefined;
	/** Go's runtime has told what the process dies of. */
	#isDying = false;
	/** The program counter that glog prints above the signal. */
	#counter: string | undefined;

	/** @returns whether the line is a statement or part of one */
	take(at: number, line: string): boolean {
		const text = line.trim();
		return this.#amends(line, text) || this.#starts(at, text) || this.#goesOn(text);
	}

	/** A blank line, which ends a message that has begun. */
	blank(): void {
		if (this.#open?.awaits === undefined) this.#closeMessage();
	}

	/** Something else was written, which ends a message. */
	close(): void {
		this.#panic = undefined;
		this.#closeMessage();
	}

	add(at: number, said: Said): void {
		this.close();
		this.#push({ at, ...said });
	}

	/** What the arguments of a frame tell, which gdb prints. */
	takeFrame(at: number, text: string): void {
		const said = /["=]/.test(text) ? toldByArguments(text) : undefined;
		const isKnown = this.#said.slice(-8).some(({ at: _, ...known }) => isDeepStrictEqual(known, said));
		if (said && !isKnown) this.add(at, said);
	}

	/** @returns the statements, when the text has ended, and how many between them there were too many to keep */
	end(): { readonly statements: readonly Statement[]; readonly leftOut: number } {
		this.close();
		return { statements: this.#said, leftOut: this.#leftOut };
	}

	#closeMessage(): void {
		const open = this.#open;
		this.#open = undefined;
		if (open && open.awaits !== 'closing quote') this.#finish(open);
	}

	/** Lines that add to the statement before them. */
	#amends(line: string, text: string): boolean {
		if (text.startsWith('panic: ') && this.#panic && (this.#panic.isRecovered || /^\s/.test(line))) {
			this.#panic = { isRecovered: isRecovered(text) };
			return true;
		}
		if (text.startsWith('PC=')) {
			const details = readSignalDetails(text);
			const last = this.#said.at(-1);
			if (!details || last?.is !== 'signal' || last.by !== 'go') return false;
			this.#said.pop();
			const whole = { ...last, ...details };
			// Go has each other thread print its stack by sending it SIGQUIT: nobody died of that.
			if (whole.signal !== sigquit || !this.#isDying) this.#push(whole);
			return true;
		}
		if (text.startsWith('PC: @ ')) {
			this.#counter = /^PC: @\s+(0x[0-9a-f]+)/.exec(text)?.[1];
			return true;
		}
		return false;
	}

	#starts(at: number, text: string): boolean {
		const what = /^what\(\): ?(.*)$/.exec(text);
		if (what) {
			const open = this.#open?.awaits === 'what()' ? this.#open : undefined;
			const say = open?.say ?? ((message) => ({ is: 'exception', message }) as const);
			if (!open) this.close();
			this.#open = { at: open?.at ?? at, lines: [what[1] as string], say };
			return true;
		}
		if (/^terminate called recursively/.test(text) && this.#open?.awaits === 'what()') return true;
		const opened = readOpening(text);
		if (opened) {
			this.close();
			this.#open = { at, ...opened };
			if (text.startsWith('panic: ')) this.#panic = { isRecovered: isRecovered(text) };
			return true;
		}
		const said = this.#single(text);
		if (said) this.add(at, said);
		else if (isSilent(text)) this.close();
		else return false;
		return true;
	}

	#single(text: string): Said | undefined {
		const said = readSingle(text);
		if (said?.is !== 'signal') return said;
		const pc = said.by === 'handler' ? address(this.#counter) : undefined;
		this.#counter = undefined;
		return pc ? { ...said, pc } : said;
	}

	#goesOn(text: string): boolean {
		const open = this.#open;
		if (!open || open.awaits === 'what()') return false;
		if (open.lines.length >= mostLines) {
			this.#open = undefined;
			if (open.awaits !== 'closing quote') this.#finish({ ...open, lines: open.lines.slice(0, 1) });
			return false;
		}
		open.lines.push(text);
		if (open.awaits === 'text') this.#open = { at: open.at, lines: [text], say: open.say };
		if (open.awaits === 'closing quote') {
			const said = oldRustPanic(open.lines.join('\n'));
			if (!said) return true;
			this.#open = undefined;
			this.add(open.at, said);
		}
		return true;
	}

	#finish({ at, lines, say }: Open): void {
		const message = cleanMessage(lines);
		const said = say(message);
		this.#push({ at, ...said });
		const assertion = said.is === 'exception' ? assertionIn(message) : undefined;
		if (assertion) this.#push({ at, ...assertion });
	}

	#push(statement: Statement): void {
		const isLong = 'message' in statement && statement.message !== undefined && statement.message.length > longestMessage;
		this.#said.push(isLong ? { ...statement, message: statement.message.slice(0, longestMessage) } : statement);
		if (this.#said.length > mostStatements) {
			this.#said.splice(mostStatements / 2, 1);
			this.#leftOut++;
		}
		this.#isDying ||=
			statement.is.startsWith('go ') || (statement.is === 'signal' && statement.by === 'go' && statement.signal !== sigquit);
	}
}

const sigquit = 3;
