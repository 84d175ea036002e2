import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { s3Backend } from '../../src/drivers/s3/s3.ts';
import { temporaryFolder } from '../support/crash.ts';
import { asNfs, faultyFs } from '../support/faulty-fs.ts';
import { keys, type S3Server, s3Server } from '../support/s3/server.ts';

/** A store as others see it, not by the agent's eyes. */
export type SoakStore = AsyncDisposable & {
	/** What agents are told in their configuration, and in their environment. */
	readonly storage: Readonly<Record<string, unknown>>;
	readonly environment: Readonly<Record<string, string>>;
	/** What stands under final names, and what of each shows that it was written anew. */
	list(): Promise<ReadonlyMap<string, string>>;
	/** Undefined where it is gone by now. */
	read(name: string): Promise<Buffer | undefined>;
	/** The name that a location in a report means. */
	nameOf(location: string): string;
	/** What is half-written. */
	halves(): Promise<readonly string[]>;
};

export const kinds = ['local', 's3', 'nfs'] as const;
export type Kind = (typeof kinds)[number];

export function storeOf(kind: Kind): Promise<SoakStore> {
	switch (kind) {
		case 'local':
			return localStore();
		case 's3':
			return s3Store();
		case 'nfs':
			return nfsStore();
		default:
			return kind satisfies never;
	}
}

async function localStore(): Promise<SoakStore> {
	const folder = await temporaryFolder();
	const root = join(folder.path, 'stored');
	mkdirSync(root);
	return {
		...directory(root, root),
		storage: { backend: 'local', localPath: root },
		environment: {},
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

/** The mount is no NFS, but passes for it: test/support/faulty-fs.ts. */
async function nfsStore(): Promise<SoakStore> {
	const mount = await faultyFs();
	return {
		...directory(mount.files, mount.path),
		storage: { backend: 'nfs', nfs: { path: mount.path } },
		environment: await asNfs(),
		[Symbol.asyncDispose]: () => mount[Symbol.asyncDispose](),
	};
}

/** @param place what locations begin with */
function directory(root: string, place: string): Pick<SoakStore, 'list' | 'read' | 'halves' | 'nameOf'> {
	const files = () =>
		readdirSync(root, { recursive: true, withFileTypes: true })
			.filter((entry) => !entry.isDirectory())
			.map((entry) => relative(root, join(entry.parentPath, entry.name)));
	const isHidden = (name: string) => name.split('/').some((part) => part.startsWith('.'));
	return {
		async list() {
			const found = files()
				.filter((name) => !isHidden(name))
				.map((name) => [name, statSync(join(root, name), { bigint: true, throwIfNoEntry: false })] as const);
			return new Map(found.flatMap(([name, at]) => (at ? [[name, `${at.ino} ${at.size} ${at.mtimeNs}`]] : [])));
		},
		read: (name) => readFile(join(root, name)).catch(() => undefined),
		nameOf: (location) => relative(place, location),
		halves: async () => files().filter(isHidden),
	};
}

async function s3Store(): Promise<SoakStore> {
	const server = await s3Server();
	return { ...bucketOf(server), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** @param endpoint how agents get there, if by another way */
export function bucketOf(server: S3Server, endpoint = server.options.endpoint): Omit<SoakStore, typeof Symbol.asyncDispose> {
	const { bucket } = server.options;
	const prefix = 'agents';
	const signal = new AbortController().signal;
	const reader = s3Backend({ ...server.options, prefix }, '/nowhere');
	return {
		storage: { backend: 's3', s3: { bucket, endpoint, prefix, ...keys } },
		environment: {},
		async list() {
			const found = await Array.fromAsync(reader.list('', signal));
			return new Map(found.map(({ name, sizeBytes, storedAt }) => [name, `${sizeBytes} ${storedAt}`]));
		},
		read: async (name) => Buffer.concat(await Array.fromAsync(reader.get(name, signal))),
		nameOf: (location) => relative(`s3://${bucket}/${prefix}`, location),
		halves: async () => [...(await server.uploadedKeys()), ...server.uploads()],
	};
}
