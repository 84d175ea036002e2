/**
 * Gives memory back at once, which is empty from then on. Left to V8, tens of megabytes of pieces pile up before it collects them, as to it each
 * is a small object. Nobody may use it any more, not even a write or a request that is under way.
 *
 * @param bytes nothing happens where they are a part of a larger piece
 */
export function release({ buffer, byteLength }: Uint8Array): void {
	if (byteLength > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
