import { stat } from 'node:fs/promises';
import { codeOf } from '../../base/errors.ts';

/** A signal for when a folder is another than it was, or gone: journalctl would wait in the old one for ever. */
export function whenReplaced(directory: string, checkEveryMs: number): Disposable & { readonly signal: AbortSignal } {
	const end = new AbortController();
	const identity = () =>
		stat(directory, { bigint: true }).then(
			({ dev, ino }) => `${dev}:${ino}`,
			(error) => String(codeOf(error)), // gone
		);
	const first = identity();
	const timer = setInterval(async () => {
		if ((await identity()) !== (await first)) end.abort();
	}, checkEveryMs);
	return { signal: end.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
