import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type ByteSource, fileBytes } from '../../src/readers/bytes/bytes.ts';
import { type GoCall, openPclntab, type Pclntab } from '../../src/readers/gopclntab/gopclntab.ts';
import { exec } from './crash.ts';
import { missingOf } from './needed.ts';

export const missingGo = missingOf(['go', 'readelf', 'strip']);

/** Hands the tables of a file to the work, and closes it. */
export async function withPclntab<T>(path: string, work: (table: Pclntab, source: ByteSource) => Promise<T>): Promise<T> {
	await using file = await open(path);
	const source = fileBytes(file);
	const table = await openPclntab(source);
	if (!table) throw new Error(`${path} has no pclntab`);
	return await work(table, source);
}

/** Addresses all over the code of a file, the same ones each time. */
export async function addressesIn(path: string, count: number): Promise<bigint[]> {
	const { start, size } = await textOf(path);
	const random = seeded(count);
	return Array.from({ length: count }, () => start + BigInt(random(Number(size))));
}

/** What is between functions, and has no line. */
export const noLine = '?:0';

/** What `go tool addr2line` says of addresses: function, and `file:line`. Of what others than Go linked it is right only where there are symbols. */
export async function byGo(path: string, addresses: readonly bigint[]) {
	const said = (
		await answers(
			'go',
			['tool', 'addr2line', path],
			addresses.map((address) => `0x${address.toString(16)}`),
		)
	).split('\n');
	return addresses.map((_, index) => ({
		name: said[2 * index] ?? '',
		source: (said[2 * index + 1] ?? '').replace(/^:-\d+$/, noLine),
	}));
}

/** What DWARF has of addresses: the functions that are inlined there, each with its call, and the one that holds them. */
export async function inlinedByDwarf(program: string, path: string, addresses: readonly bigint[]): Promise<string[]> {
	return (
		await answers(
			program,
			[path],
			addresses.map((address) => address.toString(16)),
		)
	)
		.split('\n')
		.slice(0, addresses.length);
}

/** Calls as that program writes them. */
export function callsAsText(calls: readonly GoCall[]): string {
	const texts = calls.map(({ name }, index) => {
		const call = calls[index + 1]?.source;
		return call ? `${name} ${call.file}:${call.line}` : name;
	});
	return texts.join(' < ');
}

/** How far the stack pointer is below its place on entry, at each address where DWARF's call frame information says it anew. */
export async function frameSizesByDwarf(path: string): Promise<ReadonlyMap<bigint, number>> {
	const { stdout } = await exec('readelf', ['--debug-dump=frames-interp', path], { maxBuffer: 1 << 28 });
	const rows = stdout
		.split(/^\S+ \S+ \S+ FDE .*$/m)
		.slice(1)
		.flatMap((text) => [...text.matchAll(/^([0-9a-f]{16}) (rsp|sp)\+(\d+) /gm)]);
	// On x86-64 a call puts the return address on the stack before the function begins.
	return new Map(rows.map(([, address, register, distance]) => [BigInt(`0x${address}`), Number(distance) - (register === 'rsp' ? 8 : 0)]));
}

/** Addresses by name; empty for a stripped file. */
export async function symbolsOf(path: string): Promise<ReadonlyMap<string, bigint>> {
	const { stdout } = await exec('readelf', ['-sW', path], { maxBuffer: 1 << 28 });
	return new Map(
		[...stdout.matchAll(/^ *\d+: ([0-9a-f]+) .* (\S+)$/gm)].map(([, address = '', name = '']) => [name, BigInt(`0x${address}`)]),
	);
}

/** Numbers below a limit, the same ones for a seed (a linear congruential generator). */
export function seeded(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
		return Math.floor((state / 0x8000_0000) * below);
	};
}

async function textOf(path: string) {
	const { stdout } = await exec('readelf', ['-SW', path]);
	const [, start = '0', size = '0'] = / \.text +PROGBITS +(\w+) \w+ (\w+)/.exec(stdout) ?? [];
	return { start: BigInt(`0x${start}`), size: BigInt(`0x${size}`) };
}

async function answers(command: string, args: readonly string[], lines: readonly string[]): Promise<string> {
	const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
	child.stdin.end(lines.map((line) => `${line}\n`).join(''));
	const chunks: Buffer[] = [];
	child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
	const [code] = await once(child, 'close');
	if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
	return Buffer.concat(chunks).toString();
}
