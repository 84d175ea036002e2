import { NotRegularError, openRegular } from '../../base/regular-file.ts';
import { run } from '../process/process.ts';

const prefix = 'user.coredump.';

/**
 * The extended attributes that systemd-coredump gives its files, without their prefix: Node reads none itself, so the program `getfattr` does.
 * Empty where there are none, where there is no regular file, and where the program or the file system knows none.
 */
export async function coredumpAttributes(path: string): Promise<Readonly<Record<string, string>>> {
	const file = await openRegular(path).catch((error) => {
		if (error instanceof NotRegularError) return undefined;
		throw error;
	});
	if (!file) return {};
	await using _closed = file;
	const { how, stdout } = await run(
		'getfattr',
		['--dump', '--absolute-names', '--encoding=hex', `--match=^${prefix.replaceAll('.', '\\.')}`, '/proc/self/fd/3'],
		{
			descriptors: [file.fd],
			timeoutMs: 10_000,
			maxOutputBytes: 1 << 20,
		},
	);
	if (how.is !== 'exited' || how.code !== 0) return {};
	const lines = stdout.split('\n').map((line) => /^user\.coredump\.([^=]+)=0x([0-9a-f]*)$/.exec(line));
	return Object.fromEntries(
		lines.filter((match) => match !== null).map(([, name = '', value = '']) => [name, Buffer.from(value, 'hex').toString()]),
	);
}
