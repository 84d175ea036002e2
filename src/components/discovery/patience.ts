import { isKubernetesError, KubernetesUnavailable } from '../../drivers/kubernetes/kubernetes.ts';

/** An answer that takes longer, and then says nothing, keeps crashes from being told. */
const slowMs = 2_000;
const breakMs = 30_000;

/**
 * Asks for what can be done without. When somebody was kept waiting for nothing, nobody asks for a while: then what is asked ends at once with
 * the same reason.
 */
export function createPatience(now: () => number = Date.now) {
	let lost: { readonly until: number; readonly reason: string } | undefined;

	/** @throws what the request throws; {KubernetesUnavailable} where it is not made */
	return async function ask<T>(request: () => Promise<T>): Promise<T> {
		if (lost && now() < lost.until) throw new KubernetesUnavailable(`${lost.reason} (not asked again for now)`);
		const started = now();
		try {
			return await request();
		} catch (error) {
			if (isKubernetesError(error) && now() - started >= slowMs) lost = { until: now() + breakMs, reason: error.message };
			throw error;
		}
	};
}

export type Patience = ReturnType<typeof createPatience>;
