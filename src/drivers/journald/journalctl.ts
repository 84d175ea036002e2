import { mostMessage, parseCursor } from '../../readers/journald/journald.ts';
import { output, run } from '../process/process.ts';
import { lines } from './lines.ts';

/** How journalctl is run. */
export type Journalctl = {
	readonly program: string;
	/** The folder above that of the machine. */
	readonly directory: string;
};

export async function isInstalled({ program }: Journalctl, signal: AbortSignal): Promise<boolean> {
	const { how } = await run(program, ['--version'], { timeoutMs: 20_000, maxOutputBytes: 65_536, signal });
	return how.is !== 'not found';
}

/**
 * An entry's line without `--all` holds no value over 4096 bytes, neither here nor in journalctl: a crash may carry its core with it,
 * and anybody may send an entry of many megabytes. It is longer only with thousands of values.
 */
const longestLine = 1 << 20;

/** What journalctl writes, a line each; `undefined` for one that is too long. It is ended when nobody reads on. */
export async function* printed(
	{ program, directory }: Journalctl,
	args: readonly string[],
	signal: AbortSignal,
): AsyncGenerator<string | undefined> {
	yield* lines(output(program, [...common(directory), '--output=json', ...args], 'ignore', signal), longestLine);
}

const common = (directory: string) => [`--directory=${directory}`, '--quiet', '--no-pager'];

/** The cursor of the first entry at a place or behind it; undefined when there is none. */
export async function cursorAt(journalctl: Journalctl, cursor: string, signal: AbortSignal): Promise<string | undefined> {
	for await (const line of printed(journalctl, [`--cursor=${cursor}`, '--output-fields=_BOOT_ID'], signal)) {
		const found = /"__CURSOR":"([^"]*)"/.exec(line ?? '')?.[1] ?? '';
		return parseCursor(found) === undefined ? undefined : found;
	}
	return undefined;
}

/** The message of one entry that is too long to be printed among the others: its beginning. Undefined when the entry is gone by now. */
export async function messageAt({ program, directory }: Journalctl, cursor: string, signal: AbortSignal): Promise<string | undefined> {
	let head = Buffer.alloc(0);
	const args = [...common(directory), '--output=export', '--output-fields=MESSAGE', `--cursor=${cursor}`];
	for await (const piece of output(program, args, 'ignore', signal)) {
		head = Buffer.concat([head, piece]);
		// The entries behind it are not for here.
		if (exportedMessage(head)?.isWhole || head.length > longestHead) break;
	}
	if (!head.subarray(0, 1024).includes(`__CURSOR=${cursor}\n`)) return undefined;
	return exportedMessage(head)?.text.toString().slice(0, mostMessage);
}

/** Of one of its UTF-16 code units a text has three bytes at most; the entry's other fields are short. */
const longestHead = 3 * mostMessage + 4096;

/** By the Journal Export Format: `MESSAGE=…` up to the line's end, or a line `MESSAGE`, the length in 8 bytes, and the text. */
function exportedMessage(entry: Buffer): { readonly text: Buffer; readonly isWhole: boolean } | undefined {
	const counted = entry.indexOf('\nMESSAGE\n');
	const plain = entry.indexOf('\nMESSAGE=');
	if (plain >= 0 && (counted < 0 || plain < counted)) {
		const at = plain + '\nMESSAGE='.length;
		const end = entry.indexOf('\n', at);
		return { text: entry.subarray(at, end < 0 ? entry.length : end), isWhole: end >= 0 };
	}
	const at = counted + '\nMESSAGE\n'.length;
	if (counted < 0 || entry.length < at + 8) return undefined;
	const end = at + 8 + Number(entry.readBigUInt64LE(at));
	return { text: entry.subarray(at + 8, end), isWhole: entry.length >= end };
}
