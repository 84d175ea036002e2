import type { Space, StoredFile } from '../../domain/backend.ts';
import type { FreeSpaceFloor } from '../local/local.ts';

/** What the helper is to do, once. */
export type Request = Place & Operation;

export type Place = {
	readonly path: string;
	readonly floor: FreeSpaceFloor;
	/** Who writes: half-written files of other nodes are left alone. */
	readonly node: string;
};

export type Operation =
	| { readonly is: 'put'; readonly name: string }
	| { readonly is: 'get'; readonly name: string; readonly from: number }
	| { readonly is: 'list'; readonly prefix: string }
	| { readonly is: 'remove'; readonly names: readonly string[] }
	| { readonly is: 'health' }
	| { readonly is: 'space' };

/** What the helper says. To each but the last, it gets an answer before it goes on. */
export type Said =
	| { readonly is: 'wants more' }
	| { readonly is: 'moved' }
	| { readonly is: 'read'; readonly chunk: Uint8Array }
	| { readonly is: 'found'; readonly files: readonly StoredFile[] }
	| { readonly is: 'looked'; readonly space: Space | undefined }
	| Last;

export type Last =
	| { readonly is: 'done'; readonly written?: { readonly sha256: string; readonly sizeBytes: number } | undefined }
	| { readonly is: 'failed'; readonly error: ErrorName; readonly message: string };

export type ErrorName = 'BackendUnavailable' | 'BackendRefused' | 'NotStored' | 'Error';

/** With so many bytes of content on standard input; none at its end. */
export type Answer = { readonly is: 'go on'; readonly sizeBytes?: number } | { readonly is: 'stop' };
