import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

/** A process of our own that does what may block for ever, and is told and asked by messages. */
export type Helper = {
	send(message: unknown): void;
	/** Bytes for its standard input, which cost no memory as those in messages do. It is to say when it has read them. */
	feed(bytes: Uint8Array): void;
	/**
	 * What it says next.
	 *
	 * @throws {HelperEnded} it is gone
	 * @throws {HelperSilent} it has said nothing for so long
	 */
	next(patienceMs: number, signal: AbortSignal): Promise<unknown>;
	/**
	 * Ends it, by force after a while, and does not wait for one that can't even be killed: a hung mount may hold it until that answers again.
	 *
	 * @returns whether it is gone
	 */
	end(graceMs: number): Promise<boolean>;
	/** Resolves when it is gone. */
	readonly ended: Promise<void>;
};

export class HelperEnded extends Error {
	override readonly name = 'HelperEnded';
}

export class HelperSilent extends Error {
	override readonly name = 'HelperSilent';
}

/** How long a process that was killed has to be gone. */
const deathMs = 500;

/** @param script a module for Node, which answers by `process.send` */
export function startHelper(script: string): Helper {
	const running = execa(process.execPath, ['--optimize-for-size', script], {
		ipc: true,
		serialization: 'advanced',
		buffer: false,
		stdio: ['pipe', 'ignore', 'inherit'],
		reject: false,
	});
	const child = running.nodeChildProcess;
	child.stdin?.on('error', () => {}); // that it is gone, `next` tells
	const heard: unknown[] = [];
	const news = new EventTarget();
	let hasEnded = false;
	child.on('message', (message) => {
		heard.push(message);
		news.dispatchEvent(new Event('news'));
	});
	const ended = running.then(() => {
		hasEnded = true;
		news.dispatchEvent(new Event('news'));
	});

	const send = (message: unknown) => void (child.connected && child.send(message as object, () => {}));
	const feed = (bytes: Uint8Array) => void child.stdin?.write(bytes);

	async function next(patienceMs: number, signal: AbortSignal): Promise<unknown> {
		const patience = AbortSignal.timeout(patienceMs);
		const either = AbortSignal.any([signal, patience]);
		while (heard.length === 0 && !hasEnded) {
			signal.throwIfAborted();
			if (patience.aborted) throw new HelperSilent('no answer');
			await once(news, 'news', { signal: either }).catch(() => {}); // why, the loop sees
		}
		if (heard.length === 0) throw new HelperEnded('ended');
		return heard.shift();
	}

	async function end(graceMs: number): Promise<boolean> {
		if (graceMs > 0) await Promise.race([ended, delay(graceMs, undefined, { ref: false })]);
		if (!hasEnded) {
			child.kill('SIGKILL');
			await Promise.race([ended, delay(deathMs)]);
		}
		if (child.connected) child.disconnect();
		child.unref();
		return hasEnded;
	}

	return { send, feed, next, end, ended };
}
