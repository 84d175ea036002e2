import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { defined } from '../../base/defined.ts';
import { startOfFile } from '../../base/file-ends.ts';
import { fileNameText, systemPath } from '../../base/filename.ts';
import { number, type Origin } from './origin.ts';

/** Each report begins with it. */
const firstField = 'ProblemType:';
/** Where the text fields end at the latest: some 100 KiB are usual. */
const mostBytes = 1 << 20;

/** What the text fields of apport's report tell; undefined for a file that is none. Which they are: apport's doc/data-format.tex. */
export async function reportOrigin(path: string): Promise<Origin | undefined> {
	await using file = await open(systemPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
	if ((await startOfFile(file, firstField.length)).toString('latin1') !== firstField) return undefined;
	const { ExecutablePath: executable, ProcCmdline, ProcStatus, Signal, Date: date } = textFields(await startOfFile(file, mostBytes));
	return {
		producer: 'apport',
		...defined({
			name: executable && basename(executable),
			executable,
			arguments: ProcCmdline,
			hostPid: number(/^Pid:\s*(\d+)$/m.exec(ProcStatus ?? '')?.[1]),
			signal: number(Signal),
			timeMs: timeOf(date),
		}),
	};
}

const wanted = ['ExecutablePath', 'ProcCmdline', 'ProcStatus', 'Signal', 'Date'] as const;

/** `Key: value`, or `Key:` and lines that are led by a space. Those that are packed stand behind them. */
function textFields(report: Buffer): Readonly<Partial<Record<(typeof wanted)[number], string>>> {
	const fields = new Map<string, string>();
	let last = '';
	for (const line of lines(report)) {
		if (line.startsWith(' ')) {
			if (last !== '') fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
			continue;
		}
		const colon = line.indexOf(':');
		const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
		if (value === 'base64') break;
		last = (wanted as readonly string[]).includes(name) && !fields.has(name) ? name : '';
		if (last !== '') fields.set(last, value);
	}
	return Object.fromEntries(fields);
}

function* lines(text: Buffer): Generator<string> {
	for (let at = 0; at < text.length; ) {
		const end = text.indexOf('\n', at);
		if (end < 0) return;
		yield fileNameText(text.subarray(at, end));
		at = end + 1;
	}
}

/** asctime(3), in the time zone of the machine: `Mon Nov 23 08:01:22 2026`. */
function timeOf(date: string | undefined): number | undefined {
	if (!/^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(date ?? '')) return undefined;
	const time = Date.parse(date ?? '');
	return Number.isNaN(time) ? undefined : time;
}
