/** After so long there is a line that tells what is going on. */
const patienceMs = 1_000;
const redrawMs = 200;

export type Progress = Disposable & {
	/** What is done from now on, and how much of it is. */
	step(name: string, share?: number): void;
};

/** Tells on standard error, on a terminal, what takes so long; the line is gone when it is done. */
export function createProgress(stream = process.stderr): Progress {
	const start = performance.now();
	let text = '';
	let shown = '';
	const draw = () => {
		if (performance.now() - start < patienceMs || text === shown) return;
		stream.write(`\r${text.padEnd(shown.length)}`);
		shown = text;
	};
	const timer = stream.isTTY ? setInterval(draw, redrawMs) : undefined;
	return {
		step(name, share) {
			text = `${name}${share === undefined ? ' …' : ` ${Math.round(share * 100)} %`}`;
		},
		[Symbol.dispose]() {
			clearInterval(timer);
			if (shown) stream.write(`\r${' '.repeat(shown.length)}\r`);
		},
	};
}
