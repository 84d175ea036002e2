/** A release record is not as Helm writes it, or larger than any that it does: how, in words that quote none of it. */
export class ReleaseRecordError extends Error {
	override readonly name = 'ReleaseRecordError';
}
