import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bin, type CliResult } from './cli.ts';
import { exec, temporaryFolder } from './crash.ts';

export type Host = AsyncDisposable & {
	/** Writes a file of the machine. */
	write(path: string, text: string): void;
	folder(path: string): void;
	/** Where its `/` is. */
	readonly path: string;
};

/** The files of a machine, as the agent's container has them at /host. */
export async function host(): Promise<Host> {
	const folder = await temporaryFolder();
	const place = (path: string) => join(folder.path, path);
	return {
		path: folder.path,
		write(path, text) {
			mkdirSync(dirname(place(path)), { recursive: true });
			writeFileSync(place(path), text);
		},
		folder: (path) => void mkdirSync(place(path), { recursive: true }),
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

/** What the kernel of the machine says, in the container alike. */
export type Kernel = {
	readonly corePattern: string;
	readonly corePipeLimit?: number;
	/** RLIMIT_CORE of the container, in blocks of 1 KiB. */
	readonly coreLimit?: string;
};

/** A root of its own, with all that there is here, and the machine at /host. Neither the settings of this machine nor its files are changed. */
const script = `
	set -e
	root=/run/root && mount -t tmpfs none /run && mkdir $root
	for path in /*; do
		if [ -L "$path" ]; then cp -P "$path" $root/
		elif [ -d "$path" ] && [ "$path" != /run ]; then mkdir $root"$path" && mount --rbind "$path" $root"$path"
		fi
	done
	mkdir -p $root/host $root/run && mount --bind "$HOST" $root/host
	printf '%s\\n' "$CORE_PATTERN" >/run/core_pattern && mount --bind /run/core_pattern $root/proc/sys/kernel/core_pattern
	printf '%s\\n' "$CORE_PIPE_LIMIT" >/run/core_pipe_limit && mount --bind /run/core_pipe_limit $root/proc/sys/kernel/core_pipe_limit
	ulimit -c "$CORE_LIMIT"
	exec chroot $root "$@"`;

/** Runs the program as the agent's container does: as root, the machine's files at /host. Needs root. */
export async function cliInContainer(
	machine: Pick<Host, 'path'>,
	{ corePattern, corePipeLimit = 16, coreLimit = '0' }: Kernel,
	args: readonly string[],
): Promise<CliResult> {
	const env = {
		PATH: process.env.PATH,
		HOST: machine.path,
		CORE_PATTERN: corePattern,
		CORE_PIPE_LIMIT: `${corePipeLimit}`,
		CORE_LIMIT: coreLimit,
	};
	const ended = exec('unshare', ['--mount', 'sh', '-c', script, 'sh', bin, ...args], { env, timeout: 60_000 });
	return ended.then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code: Number(code ?? -1), stdout, stderr }),
	);
}
