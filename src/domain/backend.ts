/** A place that keeps cores, and what belongs to them: a local directory, NFS, S3. */
export interface Backend {
	readonly kind: 'local' | 'nfs' | 's3';
	/** What stands before `/` and the name in the location of all that it stores. */
	readonly place: string;

	/**
	 * Before anything is put: what an earlier process of this agent left half-written is removed, now or, where there is no answer, later; what can
	 * be gone on with may be kept for a day.
	 *
	 * @returns the size of all that is stored, in bytes; undefined where it is shared with other agents, and looking would cost too much
	 */
	start(signal: AbortSignal): Promise<number | undefined>;

	/**
	 * Stores one file under a name, verified. When it returns, the file is there under that name, complete; before, nothing is. The same name twice is
	 * one object.
	 *
	 * @param name relative, made of `/`-separated safe characters
	 * @param content opened anew for each try
	 * @returns where it is, and SHA-256 (hex) and size of what is now stored
	 * @throws {BackendUnavailable | BackendRefused}
	 */
	put(name: string, content: Content, signal: AbortSignal): Promise<Stored>;

	/**
	 * Reads what was stored under a name.
	 *
	 * @param from how many bytes of its beginning are left out; there is nothing behind its end
	 * @throws {NotStored} nothing is
	 * @throws {BackendUnavailable | BackendRefused}
	 */
	get(name: string, signal: AbortSignal, from?: number): AsyncIterable<Uint8Array>;

	/**
	 * All that is stored, in no order; what is half-written is not.
	 *
	 * @param prefix what the names begin with
	 * @throws {BackendUnavailable | BackendRefused}
	 */
	list(prefix: string, signal: AbortSignal): AsyncIterable<StoredFile>;

	/**
	 * Removes files; one that is not there is no mistake.
	 *
	 * @throws {BackendUnavailable | BackendRefused}
	 */
	remove(names: readonly string[], signal: AbortSignal): Promise<void>;

	/** @throws {BackendUnavailable | BackendRefused} when nothing could be stored now, with the reason */
	health(signal: AbortSignal): Promise<void>;

	/**
	 * @returns undefined where there is no end of room
	 * @throws {BackendUnavailable | BackendRefused}
	 */
	space(signal: AbortSignal): Promise<Space | undefined>;
}

/** What is free, and what must stay so. */
export type Space = { readonly freeBytes: number; readonly leastBytes: number };

export type Content = {
	/**
	 * Piece by piece, each to be used before the next is asked for: the memory may be one and the same.
	 *
	 * @throws {ContentLost | ContentUnavailable}
	 */
	open(signal: AbortSignal): AsyncIterable<Uint8Array>;
	/** Where it is known before it is read. */
	readonly sizeBytes?: number | undefined;
	/**
	 * What tells it from all other content: under the same one it is the same bytes each time it is opened, in later processes too, so that a `put` that
	 * broke off may be gone on with. Absent: it may be other bytes each time.
	 */
	readonly identity?: string | undefined;
};

export type Stored = { readonly location: string; readonly sha256: string; readonly sizeBytes: number };

export type StoredFile = {
	readonly name: string;
	readonly sizeBytes: number /** When it was written last, in ms since the epoch. */;
	readonly storedAt: number;
};

/** No answer, or no room: trying again may help. */
export class BackendUnavailable extends Error {
	override readonly name = 'BackendUnavailable';
}

/** No room. */
export class BackendFull extends BackendUnavailable {}

/** Wrong credentials, bucket or mount: trying again does not help until somebody changes that. */
export class BackendRefused extends Error {
	override readonly name = 'BackendRefused';
}

/** There is nothing under that name. */
export class NotStored extends Error {
	override readonly name = 'NotStored';
}

/** What was to be stored is no longer there. */
export class ContentLost extends Error {
	override readonly name = 'ContentLost';
}

/** What was to be stored can't be read now. */
export class ContentUnavailable extends Error {
	override readonly name = 'ContentUnavailable';
}

/** The error of a backend, whether trying again helps or not. */
export const isBackendError = (error: unknown): error is BackendUnavailable | BackendRefused =>
	error instanceof BackendUnavailable || error instanceof BackendRefused;

/** @throws for a name that could lead elsewhere */
export function checkName(name: string): string {
	if (!isSafeName(name)) throw new Error(`not a safe name: ${name}`);
	return name;
}

export const isSafeName = (name: string): boolean => name.split('/').every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part));
