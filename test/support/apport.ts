import { crc32, createDeflateRaw, deflateSync, gzipSync, constants as zlib } from 'node:zlib';

/** How whoever wrote the report had the core at hand. */
export type Form =
	/** Read from the kernel, by blocks: the report as the crash left it. */
	| 'in blocks'
	/** Loaded and written again: one line, however long. */
	| 'on one line'
	/** Apport's first versions. */
	| 'zlib';

const blockSize = 1 << 20;

/**
 * A report as apport writes it, made after the steps of its ProblemReport.write(): text fields in order of their names, `ProblemType` first,
 * then the packed ones. Compared once with what apport 2.36 wrote of the same core: the same lines, but for how its zlib packs.
 */
export async function apportReport(
	fields: Readonly<Record<string, string>>,
	core: Buffer | undefined,
	form: Form = 'in blocks',
): Promise<string> {
	const names = Object.keys(fields)
		.filter((name) => name !== 'ProblemType')
		.sort();
	const text = ['ProblemType', ...names].map((name) => textField(name, fields[name] ?? 'Crash'));
	return [
		...text,
		...(core ? ['CoreDump: base64\n', ...(await linesOf(core, form)).map((line) => ` ${line.toString('base64')}\n`)] : []),
	].join('');
}

const textField = (name: string, value: string) =>
	value.includes('\n') ? `${name}:\n ${value.replaceAll('\n', '\n ')}\n` : `${name}: ${value}\n`;

async function linesOf(core: Buffer, form: Form): Promise<Buffer[]> {
	switch (form) {
		case 'on one line':
			return [gzipSync(core)];
		case 'zlib':
			return pieces(deflateSync(core), blockSize);
		case 'in blocks': {
			const header = Buffer.concat([Buffer.from('1f8b080800000000' + '02ff', 'hex'), Buffer.from('CoreDump\0')]);
			const { packed, end } = await deflated(core);
			const trailer = Buffer.alloc(8);
			trailer.writeUInt32LE(crc32(core), 0);
			trailer.writeUInt32LE(core.length % 2 ** 32, 4);
			return [header, ...packed, Buffer.concat([end, trailer])];
		}
		default:
			return form satisfies never;
	}
}

/** What the packer gives for each block, where it gives anything, and at the end. */
async function deflated(core: Buffer): Promise<{ readonly packed: readonly Buffer[]; readonly end: Buffer }> {
	const packer = createDeflateRaw({ level: 6, memLevel: zlib.Z_DEFAULT_MEMLEVEL });
	let given: Buffer[] = [];
	packer.on('data', (chunk: Buffer) => given.push(chunk));
	const take = () => {
		const all = Buffer.concat(given);
		given = [];
		return all;
	};
	const packed: Buffer[] = [];
	for (const block of pieces(core, blockSize)) {
		await new Promise((resolve) => packer.write(block, resolve));
		packed.push(take());
	}
	await new Promise<void>((resolve) => packer.on('end', resolve).end());
	return { packed: packed.filter(({ length }) => length > 0), end: take() };
}

const pieces = (bytes: Buffer, size: number) =>
	Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
