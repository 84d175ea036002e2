import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { NotRegularError, openRegular } from '../../base/regular-file.ts';
import type { Layers } from '../../domain/layers.ts';

/** What is larger is not what it should be. */
const mostBytes = 16 << 20;

/**
 * The layers of a container of CRI-O, running or ended, until the container is removed. They are kept as by podman and buildah
 * (github.com/containers/storage, drivers/overlay): `overlay-containers/containers.json` names the layer of a container, and
 * `overlay/LAYER/lower` those below it, by short links `l/…` to `../LAYER/diff`.
 *
 * @param storagePath `/var/lib/containers/storage` as it is seen from here
 */
export async function storedLayers(storagePath: string, id: string): Promise<Layers | undefined> {
	const layer = await layerOf(storagePath, id);
	if (layer === undefined) return undefined;
	const overlay = join(storagePath, 'overlay');
	const links = (await textOf(join(overlay, layer, 'lower')))?.trim().split(':').filter(Boolean) ?? [];
	const lowers: string[] = [];
	for (const link of links) {
		const directory = await diffBehind(overlay, link);
		if (directory === undefined) return undefined; // it is being removed
		lowers.push(directory);
	}
	return { upper: join(overlay, layer, 'diff'), lowers };
}

async function layerOf(storagePath: string, id: string): Promise<string | undefined> {
	for (const list of ['containers.json', 'volatile-containers.json']) {
		const text = await textOf(join(storagePath, 'overlay-containers', list));
		const container = text === undefined ? undefined : containersIn(text).find((one) => one.id === id);
		if (container && isName.test(container.layer)) return container.layer;
	}
	return undefined;
}

/** It is written beside and renamed, so that half a list is never seen. */
function containersIn(text: string): readonly { readonly id: string; readonly layer: string }[] {
	try {
		const list: unknown = JSON.parse(text);
		return Array.isArray(list) ? list.filter((one) => typeof one?.id === 'string' && typeof one.layer === 'string') : [];
	} catch {
		return []; // not what it should be: then it tells of no container
	}
}

const isName = /^[0-9a-f]{64}$/;

async function diffBehind(overlay: string, link: string): Promise<string | undefined> {
	if (!/^l\/[A-Z0-9]+$/.test(link)) return undefined;
	const target = await unlessGone(readlink(join(overlay, link)));
	const layer = /^\.\.\/([0-9a-f]{64})\/diff$/.exec(target ?? '')?.[1];
	return layer === undefined ? undefined : join(overlay, layer, 'diff');
}

const textOf = (path: string) =>
	unlessGone(
		(async () => {
			await using file = await openRegular(path);
			const { size } = await file.stat();
			return size > mostBytes ? undefined : file.readFile('utf8');
		})(),
	);

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
	try {
		return await reading;
	} catch (error) {
		if (error instanceof NotRegularError || ['ENOENT', 'ENOTDIR', 'EINVAL', 'EACCES'].includes(codeOf(error) ?? '')) return undefined;
		throw error;
	}
}
