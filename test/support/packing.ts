import { readFileSync, writeFileSync } from 'node:fs';
import type { Compression } from '../../src/drivers/compression/compression.ts';
import { apportReport, type Form } from './apport.ts';
import { exec } from './crash.ts';

/** How cores are packed where nothing else is configured, and the other way. */
export const packedWith = {
	zstd: { is: 'zstd', level: 1, threads: 1 },
	gzip: { is: 'gzip', level: 1 },
} as const satisfies Readonly<Record<Compression['is'], Compression>>;

/** Each kind of packed core that is read, by the encoding that a report gives it. */
export const packings: readonly {
	readonly name: string;
	readonly encoding: 'zstd' | 'gzip' | 'lz4' | 'xz' | 'apport';
	pack(core: string): Promise<string>;
}[] = [
	{ name: 'zstd', encoding: 'zstd', pack: (core) => byProgram('zstd', ['-q', '-k', '-f'], core, '.zst') },
	{ name: 'gzip', encoding: 'gzip', pack: (core) => byProgram('gzip', ['-k', '-f'], core, '.gz') },
	{ name: 'lz4', encoding: 'lz4', pack: (core) => byProgram('lz4', ['-q', '-k', '-f', '-m'], core, '.lz4') },
	{ name: 'lz4, legacy format', encoding: 'lz4', pack: (core) => byProgram('lz4', ['-l', '-q', '-k', '-f', '-m'], core, '.lz4') },
	{ name: 'xz', encoding: 'xz', pack: (core) => byProgram('xz', ['-q', '-k', '-f', '-0', '-T0'], core, '.xz') },
	...(['in blocks', 'on one line', 'zlib'] as const).map((form) => ({
		name: `apport, ${form}`,
		encoding: 'apport' as const,
		pack: (core: string) => inReport(core, form),
	})),
];

async function byProgram(program: string, args: readonly string[], core: string, end: string): Promise<string> {
	await exec(program, [...args, core]);
	return `${core}${end}`;
}

async function inReport(core: string, form: Form): Promise<string> {
	const path = `${core}.crash`;
	writeFileSync(path, await apportReport({ ExecutablePath: '/milvus/bin/milvus', ProcMaps: 'many\nlines' }, readFileSync(core), form));
	return path;
}
