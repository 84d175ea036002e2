import { describe, expect, test } from 'vitest';
import { apiLogs } from '../../src/components/discovery/api-log.ts';
import { newEnds } from '../../src/components/discovery/ends.ts';
import { podTable } from '../../src/components/discovery/pods.ts';
import { type ApiPod, readPod } from '../../src/components/discovery/read-pod.ts';
import { answer, apiPlayer, fail } from '../support/api-player.ts';

const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 6, 0, second)).toISOString();
const terminated = (run: number) => ({
	terminated: { exitCode: 139, reason: 'Error', containerID: `containerd://c${run}`, startedAt: at(run), finishedAt: at(run + 1) },
});
/** As its status is when that run has ended, or runs. */
const pod = (run: number, isRunning: boolean, uid = 'u'): ApiPod => ({
	metadata: { name: 'p', namespace: 'default', uid, resourceVersion: String(run) },
	spec: { nodeName: 'n', containers: [{ name: 'querynode', image: 'i' }] },
	status: {
		containerStatuses: [
			{
				...{ name: 'querynode', containerID: `containerd://c${run}`, restartCount: run, ready: isRunning },
				state: isRunning ? { running: { startedAt: at(run) } } : terminated(run),
				...(run > 0 && { lastState: terminated(run - 1) }),
			},
		],
	},
});

/** An API that shows these pods one after the other when it is asked for the pod, and has these logs. */
async function played(shown: readonly (ApiPod | undefined)[], logs: { readonly present?: string; readonly previous?: string }) {
	const left = [...shown];
	const player = await apiPlayer(({ path, query }, response) => {
		if (path === '/api/v1/namespaces/default/pods/p/log') {
			const text = query.previous === 'true' ? logs.previous : logs.present;
			if (text === undefined) fail(response, 400, 'BadRequest', 'previous terminated container "querynode" in pod "p" not found');
			else answer(response, 200, text);
			return;
		}
		const found = left.shift();
		if (found) answer(response, 200, found);
		else fail(response, 404, 'NotFound', 'pods "p" not found', { details: { name: 'p', kind: 'pods' } });
	});
	/** The log of the last end that a pod shows. */
	async function logOf(seen: ApiPod) {
		const pods = podTable();
		pods.set(readPod(seen));
		const known = pods.byUid('u');
		const end = known && newEnds(known, () => undefined).at(-1);
		if (!known || !end) throw new Error('it has an end');
		const log = await apiLogs(player.cluster, Date.now)(known.pod, end, new AbortController().signal);
		return log.is === 'log' ? log.tail.toString() : `none: ${log.reason}`;
	}
	return Object.assign(player, { logOf });
}

const tooLate = 'none: it is no longer one of the runs whose logs the API has';

describe('the log of a run, as the API has it,', () => {
	test('is that of the present run while it has ended, and of the one before when it runs again', async () => {
		await using ended = await played([pod(3, false)], { present: 'third', previous: 'second' });
		expect(await ended.logOf(pod(3, false))).toBe('third');
		await using again = await played([pod(4, true)], { present: 'fourth', previous: 'third' });
		expect(await again.logOf(pod(4, true))).toBe('third');
	});

	test('is asked for anew when it ran again just then', async () => {
		await using api = await played([pod(4, true), pod(4, true)], { present: 'fourth', previous: 'third' });
		expect(await api.logOf(pod(3, false))).toBe('third');
	});

	test('is none when it ran again twice, lest another run speaks for it', async () => {
		await using twice = await played([pod(5, true)], { present: 'fifth', previous: 'fourth' });
		expect(await twice.logOf(pod(3, false))).toBe(tooLate);
		await using behind = await played([pod(4, false)], { present: 'fourth', previous: 'third' });
		expect(await behind.logOf(pod(3, true))).toBe(tooLate);
	});

	test('is none of a pod that is gone, or came back under the same name', async () => {
		await using gone = await played([], { present: 'third' });
		expect(await gone.logOf(pod(3, false))).toBe(tooLate);
		await using other = await played([pod(3, false, 'of another')], { present: 'third' });
		expect(await other.logOf(pod(3, false))).toBe(tooLate);
	});

	test('is none where the kubelet says only that there is none', async () => {
		await using none = await played([pod(0, false)], {});
		expect(await none.logOf(pod(0, false))).toBe('none: previous terminated container "querynode" in pod "p" not found');
		for (const words of [
			'unable to retrieve container logs for containerd://c3',
			'failed to try resolving symlinks in path "/var/log/pods/x/3.log": lstat /var/log/pods/x/3.log: no such file or directory\n',
			'failed to open log file "/var/log/pods/x/3.log": open /var/log/pods/x/3.log: no such file or directory',
		]) {
			await using api = await played([pod(3, false)], { present: words });
			expect(await api.logOf(pod(3, false))).toBe(`none: ${words.trim()}`);
		}
		await using own = await played([pod(3, false)], { present: 'unable to retrieve container logs for x\npanic: no\n' });
		expect(await own.logOf(pod(3, false))).toContain('panic: no');
	});
});
