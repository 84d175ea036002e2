import type { Config } from '../../config/config.ts';
import { run } from '../../drivers/process/process.ts';
import { type Check, error, ok, warning } from './check.ts';

/** Whether the programs are there that the agent runs. */
export const programChecks = (config: Config): Promise<Check>[] => [gdbCheck(config), ...otherChecks(config)];

async function gdbCheck({ analyzer }: Config): Promise<Check> {
	if (!analyzer.enableGdbAnalysis)
		return warning(
			'gdb',
			'is switched off: reports have no lines of C, C++ and Rust source code',
			'set analyzer.enableGdbAnalysis to true',
		);
	const { how, stdout } = await tried('gdb', ['-nx', '-batch', '-ex', 'python print("python " + gdb.VERSION)']);
	if (how.is === 'not found')
		return warning('gdb', 'is not installed: reports have no lines of C, C++ and Rust source code', 'as root: apt-get install gdb');
	const version = /^python (.*)$/m.exec(stdout)?.[1];
	return version === undefined
		? warning('gdb', 'has no Python: reports have no lines of C, C++ and Rust source code', 'install a gdb that is built with Python')
		: ok('gdb', version);
}

function otherChecks({ storage }: Config): Promise<Check>[] {
	const packer = storage.compressionEnabled ? storage.compression : undefined;
	return [
		...(packer === undefined ? [] : [programCheck(packer, `cores can not be stored (storage.compression: ${packer})`)]),
		programCheck('lz4', '.lz4 cores can not be read', 'lz4', warning),
		programCheck('xz', '.xz cores can not be read', 'xz-utils', warning),
		programCheck('getfattr', "the host names in systemd-coredump's files are not read", 'attr'),
		programCheck('c++filt', 'names of C++ and Rust functions in logs stay as the compilers wrote them', 'binutils'),
	];
}

/** @param tell how bad it is that it is missing */
async function programCheck(program: string, loss: string, packageName = program, tell = error): Promise<Check> {
	const { how, stdout } = await tried(program, ['--version']);
	if (how.is === 'not found') return tell(program, `is not installed: ${loss}`, `as root: apt-get install ${packageName}`);
	return ok(program, stdout.split('\n')[0]?.trim() ?? '');
}

const tried = (program: string, args: readonly string[]) => run(program, args, { timeoutMs: 20_000, maxOutputBytes: 1 << 20 });
