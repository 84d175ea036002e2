import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { exec, root } from './crash.ts';

/** Genuine entries and journal files of the two versions: see the README there. */
export const fixtures = join(root, 'test/fixtures/journal');
export const versions = ['systemd-252', 'systemd-257'] as const;
export type Version = (typeof versions)[number];

/** Fields as journalctl prints them. */
export type Entry = Readonly<Record<string, unknown>>;

/** The entries in one of the files, a line each. */
export function genuine(version: Version, name: string): string[] {
	const [file = name] = readdirSync(join(fixtures, version)).filter((found) => found.startsWith(`${name}.json`));
	return readFileSync(join(fixtures, version, file), 'utf8')
		.split('\n')
		.filter((line) => line !== '');
}

export const genuineEntry = (version: Version, name: string): Entry => JSON.parse(genuine(version, name)[0] ?? '') as Entry;

/** A folder as /var/log/journal, with the genuine files. @returns the folder of the machine in it */
export async function unpackJournal(version: Version, folder: string): Promise<string> {
	cpSync(join(fixtures, version, 'dir'), folder, { recursive: true });
	const [machine = ''] = readdirSync(folder);
	const packed = readdirSync(join(folder, machine)).filter((name) => name.endsWith('.zst'));
	await exec('zstd', ['-dq', '--rm', ...packed], { cwd: join(folder, machine) });
	return join(folder, machine);
}

const writer = '/usr/lib/systemd/systemd-journal-remote';

/** A test that writes journal files. In CI it must. */
export const journalTest = test.skipIf(!existsSync(writer) && process.env.CI !== 'true');

/** Appends entries to a journal file, as journald does: one that is followed is told of them. */
export async function writeJournal(file: string, entries: readonly Entry[]): Promise<void> {
	mkdirSync(join(file, '..'), { recursive: true });
	const child = spawn(writer, ['-o', file, '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
	const complaints: Buffer[] = [];
	child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
	child.stdin.end(Buffer.concat(entries.map(exported)));
	const [code] = (await once(child, 'close')) as [number | null];
	if (code !== 0) throw new Error(`${writer}: ${Buffer.concat(complaints).toString()}`);
}

/** An entry in the Journal Export Format, which has the length before what is no line of text. */
function exported(entry: Entry): Buffer {
	const parts: Buffer[] = [];
	for (const [name, value] of Object.entries(entry)) {
		if (/^__(?:CURSOR|SEQNUM|SEQNUM_ID)$/.test(name)) continue;
		const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as number[]);
		const size = Buffer.alloc(8);
		size.writeBigUInt64LE(BigInt(bytes.length));
		parts.push(
			...(bytes.includes('\n') || typeof value !== 'string' ? [Buffer.from(`${name}\n`), size, bytes] : [Buffer.from(`${name}=`), bytes]),
		);
		parts.push(Buffer.from('\n'));
	}
	return Buffer.concat([...parts, Buffer.from('\n')]);
}

/** journald removes the oldest files. */
export const vacuum = (machine: string, name: string) => rmSync(join(machine, name));
