/** A place that keeps cores. */
export interface Backend {
	/**
	 * Stores one file under a name, verified by reading it back. The same name twice is one object.
	 *
	 * @param name relative, made of `/`-separated safe characters
	 * @param content opened anew for each try
	 * @returns where it is, and SHA-256 (hex) and size of what is now stored
	 * @throws {BackendUnavailable} no answer, no right to write, or full: trying again may help
	 */
	put(name: string, content: Content, signal: AbortSignal): Promise<Stored>;

	/** @throws {BackendUnavailable} when nothing could be stored now, with the reason */
	health(): Promise<void>;
}

export type Content = {
	/** @throws {ContentLost | ContentUnavailable} */
	open(signal: AbortSignal): AsyncIterable<Uint8Array>;
};

export type Stored = { readonly location: string; readonly sha256: string; readonly sizeBytes: number };

export class BackendUnavailable extends Error {
	override readonly name = 'BackendUnavailable';
}

/** What was to be stored is no longer there. */
export class ContentLost extends Error {
	override readonly name = 'ContentLost';
}

/** What was to be stored can't be read now. */
export class ContentUnavailable extends Error {
	override readonly name = 'ContentUnavailable';
}
