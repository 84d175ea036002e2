import { codeOf } from '../../../base/errors.ts';
import { hex } from '../../../base/hex.ts';
import { NotRegularError, openRegular } from '../../../base/regular-file.ts';
import { type ByteSource, fileBytes, recentBytes } from '../../../readers/bytes/bytes.ts';
import type { Corefile } from '../../../readers/corefile/corefile.ts';
import { type Machine, type Memory, machines } from '../../../readers/unwind/unwind.ts';
import type { FoundModule } from '../modules.ts';
import { type CodeModule, codeModule } from './module.ts';

/** The process as it was when it died: its memory by the core and the files that were mapped, and its code by these files. */
export type CrashedProcess = {
	readonly machine: Machine;
	readonly memory: Memory;
	/** The executable or library that an address is in; undefined where there is none, or its file is not here. */
	moduleAt(address: bigint): Promise<CodeModule | undefined>;
	/** Whether a caller can be there: in code of a mapped file, or in any part of one that is not here. */
	isCode(address: bigint): Promise<boolean>;
	/** Of what was mapped. */
	readonly paths: readonly string[];
	moduleOf(path: string): Promise<CodeModule | undefined>;
	/** The path of what is mapped there, whether or not it is here. */
	pathAt(address: bigint): string | undefined;
};

/**
 * Opens files only when an address in them is asked for.
 *
 * @param core unpacked
 * @param files holds what is opened until it is disposed of
 */
export function crashedProcess(
	core: ByteSource,
	corefile: Corefile,
	modules: readonly FoundModule[],
	files: AsyncDisposableStack,
): CrashedProcess {
	const machine = machines.get(corefile.architecture.machine) as Machine;
	const kept = recentBytes(core);
	const found = new Map(modules.map((one) => [one.module.path, one]));
	const opened = new Map<string, Promise<CodeModule | undefined>>();

	function opening(path: string, open: () => Promise<CodeModule | undefined>) {
		const known = opened.get(path) ?? open();
		opened.set(path, known);
		return known;
	}

	async function ofFile(path: string): Promise<CodeModule | undefined> {
		const { loaded } = found.get(path) ?? {};
		if (!loaded) return undefined;
		const file = await openRegular(loaded.file).catch((error) => {
			// It was there when it was looked for.
			if (error instanceof NotRegularError || codeOf(error) === 'ENOENT') return undefined;
			throw error;
		});
		if (!file) return undefined;
		files.use(file);
		return codeModule(path, fileBytes(file), BigInt(loaded.bias), loaded);
	}

	/** The kernel's own code in the process lies in the core. */
	const ofKernel = (path: string, base: bigint) =>
		codeModule(path, { isForwardOnly: false, read: (offset, length) => upTo(base + BigInt(offset), length) }, base);

	async function upTo(address: bigint, length: number): Promise<Buffer> {
		const extent = corefile.extentAt(address, length);
		return extent ? kept.read(extent.offset, Math.min(length, extent.length)) : Buffer.alloc(0);
	}

	async function moduleAt(address: bigint): Promise<CodeModule | undefined> {
		const place = corefile.locate(hex(address));
		if (!place) return undefined;
		if (place.module === kernelsOwn) return opening(kernelsOwn, () => ofKernel(kernelsOwn, address - BigInt(place.offset)));
		return opening(place.module, () => ofFile(place.module));
	}

	async function isCode(address: bigint): Promise<boolean> {
		if (!corefile.locate(hex(address))) return false;
		const module = await moduleAt(address);
		return module?.isCode(address) ?? true;
	}

	/** The core's own word, and of what it leaves out the file's: what was written to is not left out. */
	async function memory(address: bigint, length: number): Promise<Buffer | undefined> {
		const bytes = await upTo(address, length);
		if (bytes.length === length) return bytes;
		if (bytes.length > 0) {
			const first = Buffer.from(bytes);
			const rest = await memory(address + BigInt(first.length), length - first.length);
			return rest && Buffer.concat([first, rest]);
		}
		return (await moduleAt(address))?.read(address, length);
	}

	return {
		machine,
		memory: (address, length) => memory(BigInt.asUintN(64, address), length),
		moduleAt: (address) => moduleAt(BigInt.asUintN(64, address)),
		isCode: (address) => isCode(BigInt.asUintN(64, address)),
		paths: [...found.keys()],
		moduleOf: (path) => opening(path, () => ofFile(path)),
		pathAt: (address) => corefile.locate(hex(address))?.module,
	};
}

const kernelsOwn = '[vdso]';
