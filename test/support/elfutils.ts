import { exec } from './crash.ts';

/** What eu-readelf and eu-unstrip say of a core. */
export type Reference = {
	readonly signal: number;
	readonly code: number;
	readonly address: string | undefined;
	readonly sender: { readonly pid: number; readonly uid: number } | undefined;
	readonly threads: readonly { readonly id: number; readonly rip: string; readonly rsp: string; readonly rax: bigint }[];
	readonly name: string;
	readonly arguments: string;
	readonly files: readonly string[];
	/** By the module's base address. */
	readonly buildIds: ReadonlyMap<string, string>;
};

export async function reference(core: string): Promise<Reference> {
	const { stdout: notes } = await exec('eu-readelf', ['-n', core], { maxBuffer: 1 << 30 });
	const { stdout: modules } = await exec('eu-unstrip', ['-n', `--core=${core}`], { maxBuffer: 1 << 26 });
	const siginfo =
		/SIGINFO\n\s*si_signo: (\d+), si_errno: \d+, si_code: (-?\d+)(?:\n\s*fault address: (0x[0-9a-f]+))?(?:\n\s*sender PID: (\d+), sender UID: (\d+))?/.exec(
			notes,
		);
	const threads = notes.split(/^ {2}CORE\s+\d+\s+PRSTATUS$/m).slice(1);
	return {
		signal: Number(siginfo?.[1]),
		code: Number(siginfo?.[2]),
		address: siginfo?.[3],
		sender: siginfo?.[4] === undefined ? undefined : { pid: Number(siginfo[4]), uid: Number(siginfo[5]) },
		threads: threads.map((text) => ({
			id: Number(/ pid: (\d+)/.exec(text)?.[1]),
			rip: hexOf(/rip:\s+(0x[0-9a-f]+)/.exec(text)?.[1]),
			rsp: hexOf(/rsp:\s+(0x[0-9a-f]+)/.exec(text)?.[1]),
			rax: BigInt.asUintN(64, BigInt(/ rax:\s+(-?\d+)/.exec(text)?.[1] ?? 0)),
		})),
		name: /fname: (.*?),?\s+psargs:/.exec(notes)?.[1] ?? '',
		arguments: (/psargs: (.*)/.exec(notes)?.[1] ?? '').trim(),
		files: [...notes.matchAll(/^ {6}[0-9a-f]+-[0-9a-f]+ [0-9a-f]+ \d+\s+(.*)$/gm)].map(([, path = '']) => path),
		buildIds: new Map(
			[...modules.matchAll(/^(0x[0-9a-f]+)\+0x[0-9a-f]+ ([0-9a-f]{8,})@/gm)].map(([, base = '', buildId = '']) => [base, buildId]),
		),
	};
}

const hexOf = (text: string | undefined) => `0x${BigInt(text ?? 0).toString(16)}`;
