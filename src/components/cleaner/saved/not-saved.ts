import { KubernetesRefused } from '../../../drivers/kubernetes/kubernetes.ts';
import { MissingRight } from '../contents/listing.ts';

/** What brings an instance back could not be saved: why, in words that quote nothing of it. */
export class NotSaved extends Error {
	override readonly name = 'NotSaved';

	/** For questions that are asked in order to save. @throws {NotSaved} they are refused */
	static async unlessAllowed<T>(ask: () => Promise<T>): Promise<T> {
		try {
			return await ask();
		} catch (cause) {
			throw cause instanceof MissingRight || cause instanceof KubernetesRefused ? new NotSaved(cause.message, { cause }) : cause;
		}
	}
}
