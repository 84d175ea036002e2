/** After so long a step gets a line that tells how far it is. */
const patienceMs = 1_000;

/** Tells on standard error, on a terminal, what takes so long; the line is gone when it is done. */
export function createProgress(stream = process.stderr) {
	const start = performance.now();
	let shown = '';
	let last = 0;
	const write = (text: string) => {
		stream.write(`\r${text.padEnd(shown.length)}`);
		shown = text;
	};
	return {
		step(name: string, share?: number): void {
			const now = performance.now();
			if (!stream.isTTY || now - start < patienceMs || now - last < 100) return;
			last = now;
			write(`${name}${share === undefined ? ' …' : ` ${Math.round(share * 100)} %`}`);
		},
		[Symbol.dispose](): void {
			if (shown) stream.write(`\r${' '.repeat(shown.length)}\r`);
		},
	};
}
