import { type Backend, BackendFull, BackendUnavailable, isBackendError } from '../../domain/backend.ts';

type Options = {
	/** Told when the store answers again: what was put off need not wait any longer. */
	readonly onBack: () => void;
	/** In ms, from any moment on. */
	readonly now?: () => number;
};

/** Since something could not be done. */
type Outage = {
	readonly reason: string;
	readonly delayMs: number;
	/** From then on one may try. */
	triesAt: number;
	/** Whoever tries now; the others wait for how that ends. */
	trial?: Promise<unknown> | undefined;
	/** Whether `onBack` was told that it seems healthy. */
	isHopeful: boolean;
};

const firstMs = 1_000;
const longestMs = 30_000;

/**
 * Spares a store that is away. When something could not be put or removed, what comes next fails without the store being asked, but for one that tries
 * again after a time, which doubles up to half a minute: however many cores wait, the store is asked as often as for one. It may be full for one core
 * and not for another: that is no outage.
 */
export function sparing(backend: Backend, { onBack, now = () => performance.now() }: Options): Backend {
	let outage: Outage | undefined;

	async function guarded<T>(work: () => Promise<T>): Promise<T> {
		while (outage?.trial) await outage.trial;
		if (!outage) return tried(work);
		if (now() < outage.triesAt) throw new BackendUnavailable(outage.reason);
		const { promise, resolve } = Promise.withResolvers<void>();
		const before = outage;
		before.trial = promise;
		try {
			return await tried(work, before);
		} finally {
			before.trial = undefined;
			resolve();
		}
	}

	async function tried<T>(work: () => Promise<T>, before?: Outage): Promise<T> {
		try {
			const result = await work();
			over();
			return result;
		} catch (error) {
			// Of those that were under way when it began, each tells the same.
			if (isBackendError(error) && !(error instanceof BackendFull) && outage === before) {
				const delayMs = before ? Math.min(longestMs, 2 * before.delayMs) : firstMs;
				outage = { reason: error.message, delayMs, triesAt: now() + delayMs, isHopeful: before?.isHopeful ?? false };
			}
			throw error;
		}
	}

	function over(): void {
		if (!outage) return;
		outage = undefined;
		onBack();
	}

	return {
		...backend,
		put: (name, content, signal) => guarded(() => backend.put(name, content, signal)),
		remove: (names, signal) => guarded(() => backend.remove(names, signal)),
		async health(signal) {
			try {
				await backend.health(signal);
			} catch (error) {
				if (outage) outage.isHopeful = false;
				throw error;
			}
			// It may answer, and still take nothing: that is hoped once.
			if (!outage || outage.isHopeful) return;
			outage.isHopeful = true;
			outage.triesAt = now();
			onBack();
		},
	};
}
