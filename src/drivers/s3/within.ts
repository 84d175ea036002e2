import { BackendUnavailable } from '../../domain/backend.ts';

/**
 * Gives up after some time.
 *
 * @throws {BackendUnavailable} then
 */
export async function within<T>(limitMs: number, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const limit = AbortSignal.timeout(limitMs);
	try {
		return await work(signal ? AbortSignal.any([signal, limit]) : limit);
	} catch (error) {
		if (!limit.aborted || signal?.aborted) throw error;
		throw new BackendUnavailable(`no answer within ${limitMs / 1000} s (storage.s3.endpoint)`, { cause: error });
	}
}
