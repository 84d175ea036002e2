import { readQuoted } from './quoted.ts';
import type { Said, SourcePlace } from './tracelog.ts';

/** What a line of a logger says of the end of its process: mostly nothing. */
export type LogLine = {
	readonly said: readonly Said[];
	/** A stack that a field holds, not yet read. */
	readonly stack?: { readonly text: string; readonly isCut: boolean };
};

/** @returns nothing where the line is not a logger's */
export function readLogLine(text: string): LogLine | undefined {
	switch (text[0]) {
		case '[':
			return zapStart.test(text) ? zapLine(text) : rustStart.test(text) ? silent : undefined;
		case '{':
			return text.startsWith('{"level":"') ? jsonLine(text) : undefined;
		case 'I':
		case 'W':
		case 'E':
		case 'F':
			return glogLine(text);
		case 't':
			return text.startsWith('time="') ? silent : undefined;
		default:
			return undefined;
	}
}

/**
 * Threads write at the same time, so the last words may be glued to the end of a log line, or a log line to the end of theirs.
 */
export function unglued(text: string): readonly string[] {
	const parts: string[] = [];
	let start = 0;
	for (let next = text.indexOf('[20', 1); next > 0; next = text.indexOf('[20', next + 1)) {
		if (!zapStart.test(text.slice(next, next + 40))) continue;
		parts.push(text.slice(start, next));
		start = next;
	}
	return [...parts, text.slice(start)].flatMap(withoutLastWords);
}

function withoutLastWords(text: string): readonly string[] {
	const match = zapStart.test(text) ? glued.exec(text) : null;
	return match ? [text.slice(0, match.index + 1), text.slice(match.index + 1)] : [text];
}

const silent: LogLine = { said: [] };

/** zap in the text encoding that Milvus uses: https://github.com/tikv/rfcs/blob/master/text/0018-unified-log-format.md */
const zapStart = /^\[\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d\] \[/;
/** Rust's env_logger. */
const rustStart = /^\[\d{4}-\d\d-\d\dT[\d:.]+Z? (?:TRACE|DEBUG|INFO|WARN|ERROR) /;
const glued =
	/\](?=panic: |fatal error: |SIG[A-Z]{2,6}: |\[?signal SIG|SIGNAL CATCH|SIGNO: |terminate called|thread '|goroutine \d+ \[|pure virtual)/;

function zapLine(text: string): LogLine {
	const levelAt = text.indexOf('] [') + 3;
	const level = /^(?:FATAL|D?PANIC|ERROR|WARN)/.exec(text.slice(levelAt, levelAt + 6))?.[0];
	if (level === undefined) return silent;
	const match = /^[A-Z]+\] \[([^\]\s]+?)(?::(\d+))?\] \[/.exec(text.slice(levelAt, levelAt + 512));
	if (!match) return silent;
	const at = levelAt + match[0].length;
	const bare = text.indexOf(']', at);
	return entry({
		level,
		message: text[at] === '"' ? readQuoted(text, at + 1).value : text.slice(at, bare < 0 ? text.length : bare),
		source: place(match[1] as string, match[2]),
		field: (name) => {
			const start = text.indexOf(`[${name}=`, at);
			if (start < 0) return undefined;
			const valueAt = start + name.length + 2;
			if (text[valueAt] === '"') return readQuoted(text, valueAt + 1);
			const end = text.indexOf(']', valueAt);
			return { value: text.slice(valueAt, end < 0 ? text.length : end), end, isCut: end < 0 };
		},
	});
}

function jsonLine(text: string): LogLine {
	const field = (name: string) => {
		const start = text.indexOf(`"${name}":"`);
		return start < 0 ? undefined : readQuoted(text, start + name.length + 4);
	};
	const level = field('level')?.value.toUpperCase() ?? '';
	if (!/^(?:FATAL|D?PANIC|ERROR|WARN)$/.test(level)) return silent;
	const [, file, line] = /^(\S+?)(?::(\d+))?$/.exec(field('caller')?.value ?? '') ?? [];
	return entry({
		level,
		message: field('msg')?.value ?? '',
		source: file === undefined ? undefined : place(file, line),
		field: (name) => field(name === 'stack' ? 'stacktrace' : name) ?? (name === 'stack' ? field(name) : undefined),
	});
}

/** What Milvus says when its session in etcd is lost, and it ends itself. */
const farewell = /disconnected from etcd|connection lost detected|requested lease not found|lease is expired/;

type Entry = {
	readonly level: string;
	readonly message: string;
	readonly source: SourcePlace | undefined;
	readonly field: (name: string) => { readonly value: string; readonly isCut: boolean } | undefined;
};

function entry({ level, message, source, field }: Entry): LogLine {
	const panic = field('panic')?.value;
	const error = field('error')?.value;
	const words = error === undefined ? message : `${message}: ${error}`;
	const said: Said[] = [];
	if (panic !== undefined || /\bpanicked\b/.test(message)) said.push({ is: 'go panic', message: panic ?? words });
	else if (level === 'FATAL' || farewell.test(words)) said.push({ is: 'exit', level, message: words, ...(source && { source }) });
	// A line of level PANIC is followed by the panic itself.
	if (said.length === 0 && !level.endsWith('PANIC')) return silent;
	const stack = field('stack');
	return { said, ...(stack && { stack: { text: stack.value, isCut: stack.isCut } }) };
}

const glogStart = /^[IWEF]\d{4}(?:\d{4})? \d\d:\d\d:\d\d\.\d+ +\d+ ([^\]\s]+?):(\d+)\] ?/;

function glogLine(text: string): LogLine | undefined {
	const match = glogStart.exec(text);
	if (!match) return undefined;
	if (text[0] !== 'F') return silent;
	const source = place(match[1] as string, match[2]);
	const message = text.slice(match[0].length).trim();
	const failed = /^Check failed: (.*)$/.exec(message)?.[1];
	return { said: [failed === undefined ? { is: 'exit', level: 'FATAL', message, source } : { is: 'assertion', message: failed, source }] };
}

const place = (file: string, line: string | undefined): SourcePlace => ({ file, ...(line !== undefined && { line: Number(line) }) });
