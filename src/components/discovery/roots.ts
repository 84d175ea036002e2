import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../base/errors.ts';
import type { Layers } from '../../domain/layers.ts';
import type { Pod } from '../../domain/pod.ts';
import type { NodeContainers } from '../../drivers/containerfiles/containerfiles.ts';
import { folderWatch } from '../../drivers/inotify/inotify.ts';
import { knownRoots } from './known-roots.ts';
import type { Bookmark } from './told-ends.ts';

/** The folder of a container is there a little before its root is mounted; a process that crashes at once lives for some 100 ms after that. */
const gatherMs = 10;
const firstPauseMs = 20;
const longestPauseMs = 500;
const mountWithinMs = 5_000;
/** In between inotify tells. */
const rescanMs = 10_000;
/** Where it does not, as the folder is closed to the agent. */
const closedRescanMs = 1_000;
/** Whose containers these are, the API tells later. So many are kept until then. */
const mostUnclaimed = 1_000;

/**
 * Remembers of which directories the containers of Milvus are made, while that can be seen: containerd unmounts the root of a container when it
 * ends. Mounts are read when a container is there that was not seen before.
 */
export function createRoots(containers: NodeContainers, bookmark: Bookmark) {
	const known = knownRoots(bookmark.read());
	/** Every container of the node that was seen running, whosever it is. */
	const seen = new Map<string, Layers>();
	/** Those that have no root of layers. */
	const others = new Set<string>();

	/** Until the signal. */
	async function watch(signal: AbortSignal): Promise<void> {
		using folder = folderWatch(containers.tasksFolder, gatherMs);
		// On a node without pods the folder is not there yet.
		using above = folderWatch(dirname(containers.tasksFolder), gatherMs);
		while (!signal.aborted) {
			const isOpen = await readNew(signal);
			const woken = new AbortController();
			const either = AbortSignal.any([signal, woken.signal]);
			await Promise.race([folder, above].map((watched) => watched.wait(isOpen ? rescanMs : closedRescanMs, either)));
			woken.abort();
			if (folder.take().length === 0) folder.renew();
			if (above.take().length === 0) above.renew();
		}
	}

	/**
	 * In the agent's pod the folder may not be entered, as the roots of containers that are mounted in it can be written to. That they are there is
	 * seen all the same.
	 *
	 * @returns whether the folder tells what is new
	 */
	async function readNew(signal: AbortSignal): Promise<boolean> {
		const since = new Map<string, number>();
		for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
			const there = await namesIn(containers.tasksFolder);
			if (there === undefined) {
				await readMounts();
				return false;
			}
			for (const id of others) if (!there.includes(id)) others.delete(id);
			const left = await withoutRoot(there);
			if (left.length === 0) return true;
			for (const id of left) {
				const firstSeen = since.get(id) ?? performance.now();
				if (!since.has(id)) pauseMs = firstPauseMs;
				since.set(id, firstSeen);
				if (performance.now() - firstSeen > mountWithinMs) others.add(id);
			}
			await delay(pauseMs, undefined, { signal }).catch(() => {}); // aborted: the loop ends
		}
		return true;
	}

	/** Which of these have none that was seen, as yet. */
	async function withoutRoot(ids: readonly string[]): Promise<readonly string[]> {
		const isNew = (id: string) => !seen.has(id) && !others.has(id);
		if (!ids.some(isNew)) return [];
		await readMounts();
		return ids.filter(isNew);
	}

	async function readMounts(): Promise<void> {
		const running = await containers.running();
		for (const [id, layers] of running) seen.set(id, layers);
		for (const id of [...seen.keys()].filter((id) => !running.has(id)).slice(0, Math.max(0, seen.size - mostUnclaimed))) seen.delete(id);
	}

	/**
	 * Remembers the containers of a pod, also over restarts of the agent: durable when it returns.
	 *
	 * @param goesOn which containers still run
	 */
	async function see({ containers: ofPod }: Pod, goesOn: (id: string) => boolean): Promise<void> {
		let isNew = false;
		for (const { id, image, imageId, end, lastEnd } of ofPod) {
			for (const run of new Set([id, end?.containerId, lastEnd?.containerId])) {
				if (run === undefined || known.has(run)) continue;
				const layers = await layersOf(run, run === id && end === undefined);
				if (layers) known.add({ id: run, image, imageId }, layers);
				isNew ||= layers !== undefined;
			}
		}
		if (isNew) await bookmark.write(known.text(goesOn));
	}

	async function layersOf(id: string, isRunning: boolean): Promise<Layers | undefined> {
		const kept = seen.get(id) ?? (await containers.kept(id));
		if (kept || !isRunning || others.has(id)) return kept;
		await readMounts();
		return seen.get(id);
	}

	return { watch, see };
}

/** @returns undefined where it may not be looked into */
async function namesIn(folder: string): Promise<string[] | undefined> {
	try {
		return await readdir(folder);
	} catch (error) {
		switch (codeOf(error)) {
			case 'ENOENT':
				return []; // no containerd
			case 'EACCES':
				return undefined;
			default:
				throw error;
		}
	}
}
