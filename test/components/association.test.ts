import { describe, expect, test } from 'vitest';
import { associate } from '../../src/components/collector/association/association.ts';
import type { Traces } from '../../src/domain/events.ts';
import type { Seen } from '../../src/domain/sightings.ts';
import { containerOf } from '../../src/readers/cgroup/cgroup.ts';
import { etcdLabels, type PlayedPod, type PodOptions, playPod, watchedPods } from '../support/node.ts';

const node = 'node-1';
const crashedAt = Date.parse('2026-11-23T06:25:58Z');
const minute = 60_000;
const iso = (at: number) => new Date(at).toISOString();

/** A node whose pods have run for an hour, and an agent that sees all that happens there. */
function watchedNode() {
	const watched = watchedPods(() => crashedAt + minute);
	const restarts: Seen<'RestartEvent'>[] = [];
	const taken = new Set<string>();
	function look(pod: PlayedPod): void {
		for (const { key, body } of watched.look(pod)) restarts.push({ key, revision: 1, body });
	}
	function pod(name: string, options: Partial<PodOptions> = {}, incarnation = 0): PlayedPod {
		const startedAt = options.startedAt ?? crashedAt - 60 * minute;
		const played = playPod(node, name, { ...options, startedAt }, incarnation);
		for (const container of played.containers) played.run(startedAt + 2_000, { container });
		look(played);
		return played;
	}
	return {
		watched,
		taken,
		restarts,
		look,
		pod,
		/** A container ends, and the agent sees it. */
		end(played: PlayedPod, exitCode = 139, at = crashedAt + 300, container = played.containers[0]) {
			played.end(at, { exitCode, ...(container === undefined ? {} : { container }) });
			look(played);
		},
		again(played: PlayedPod, at: number) {
			played.run(at);
			look(played);
		},
		of: (traces: Partial<Traces>) =>
			associate(
				{ time: iso(crashedAt), writtenAt: iso(crashedAt + 200), signal: 11, isMilvus: true, ...traces },
				{ node, pods: watched.pods, restarts, isOpen: (key) => !taken.has(key) },
			),
	};
}

const none = { method: 'none', confidence: 'none' };

describe('by the cgroup that was recorded', () => {
	const uid = '0f3c5e1a-1111-4222-8333-444455556666';
	const id = 'ab'.repeat(32);
	const slice = `kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;
	test.each([
		['systemd, containerd', `/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${id}.scope`],
		['systemd, CRI-O', `/kubepods.slice/kubepods-burstable.slice/${slice}/crio-${id}.scope`],
		['cgroupfs', `/kubepods/burstable/pod${uid}/${id}`],
		['cgroupfs, guaranteed', `/kubepods/pod${uid}/${id}`],
		[
			'below a root of its own',
			`/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope`,
		],
	])('of %s, also of a pod that nobody knows', (_, cgroup) => {
		const container = containerOf(cgroup);
		expect(container).toEqual({ podUid: uid, containerId: id });
		const { association, isOfMilvus } = watchedNode().of({ container: container as NonNullable<typeof container> });
		expect(association).toEqual({ method: 'cgroup', confidence: 'exact', podUid: uid, containerId: id });
		expect(isOfMilvus).toBeUndefined();
	});

	test('the very run is known, and its end with it', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		const container = { podUid: pod.uid, containerId: pod.containerId() };
		at.end(pod);
		at.again(pod, crashedAt + 12_000);
		const answer = at.of({ container, host: 'something-else' });
		expect(answer.association).toMatchObject({
			...{ method: 'cgroup', confidence: 'exact', ...container, namespace: 'default', pod: pod.name, container: 'querynode' },
			...{ instance: 'search', component: 'querynode', restartCount: 1, exitCode: 139, reason: 'Error', host: 'something-else' },
		});
		expect([answer.restart?.key, answer.isOfMilvus, answer.isFinal]).toEqual([at.restarts[0]?.key, true, true]);
	});

	test('a pod of the same name in another namespace is another', () => {
		const at = watchedNode();
		const [one, other] = [at.pod('milvus-0', { namespace: 'one' }), at.pod('milvus-0', { namespace: 'other' })];
		for (const pod of [one, other]) at.end(pod);
		const answer = at.of({ host: 'milvus-0', container: { podUid: other.uid, containerId: other.containerId() } });
		expect(answer.association).toMatchObject({ confidence: 'exact', namespace: 'other', podUid: other.uid });
		expect(answer.restart?.body.association.namespace).toBe('other');
	});

	test('a child process crashed while its container lived on, which ended later of something else', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		const container = { podUid: pod.uid, containerId: pod.containerId() };
		const living = at.of({ container });
		expect(living.association).toMatchObject({ confidence: 'exact', pod: pod.name, container: 'querynode' });
		expect(living.association).not.toHaveProperty('exitCode');
		at.end(pod, 137, crashedAt + 20 * minute);
		const later = at.of({ container });
		expect([living.restart, later.restart]).toEqual([undefined, undefined]);
		expect(later.association).not.toHaveProperty('exitCode');
	});

	test('a pod that was deleted since, and is forgotten, is known by what was told of its end', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		const container = { podUid: pod.uid, containerId: pod.containerId() };
		at.end(pod);
		at.watched.restart();
		at.watched.pods.isComplete = true;
		expect(at.of({ container }).association).toMatchObject({ pod: pod.name, namespace: 'default', container: 'querynode', exitCode: 139 });
	});

	test('a process of a sidecar, and one of another pod, is not of Milvus; one in the container of Milvus is, whatever it runs', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0', { containers: ['querynode', 'proxy-agent'] });
		const etcd = at.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] });
		const inside = (one: PlayedPod, name: string) =>
			at.of({ isMilvus: false, container: { podUid: one.uid, containerId: one.containerId(name) } });
		expect(inside(pod, 'proxy-agent')).toMatchObject({ isOfMilvus: false, association: { pod: pod.name, container: 'proxy-agent' } });
		expect(inside(etcd, 'etcd')).toMatchObject({ isOfMilvus: false, association: { pod: etcd.name, container: 'etcd' } });
		expect(inside(pod, 'querynode')).toMatchObject({ isOfMilvus: true, association: { pod: pod.name, container: 'querynode' } });
	});
});

describe('by the host name', () => {
	test('and an end that fits in time and signal', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		at.pod('search-querynode-1');
		at.end(pod);
		const answer = at.of({ host: pod.name });
		expect(answer.association).toMatchObject({
			...{ method: 'host name', confidence: 'strong', host: pod.name, pod: pod.name, container: 'querynode' },
			...{ containerId: pod.containerId(), restartCount: 1, exitCode: 139 },
		});
		expect([answer.restart?.key, answer.isFinal]).toEqual([at.restarts[0]?.key, true]);
	});

	test('that was cut, or is a full domain name', () => {
		const at = watchedNode();
		const name = `${'a-name-of-more-than-sixty-three-characters'.repeat(2)}-0`;
		const [long, other] = [at.pod(name), at.pod('search-querynode-1')];
		for (const pod of [long, other]) at.end(pod);
		expect(at.of({ host: name.slice(0, 63) }).association).toMatchObject({ pod: name, confidence: 'strong' });
		expect(at.of({ host: 'search-querynode-1.search.default.svc.cluster.local' }).association).toMatchObject({ pod: other.name });
	});

	test('is not that of a pod whose name only begins so', () => {
		const at = watchedNode();
		const [short, long] = [at.pod('milvus'), at.pod('milvus.v2')];
		for (const pod of [short, long]) at.end(pod);
		expect(at.of({ host: 'milvus.v2' }).association).toMatchObject({ pod: 'milvus.v2', confidence: 'strong' });
		expect(at.of({ host: 'milvus' }).association).toMatchObject({ pod: 'milvus', confidence: 'strong' });
	});

	test.each([
		['by another signal', 134, crashedAt + 300],
		['by itself', 1, crashedAt + 300],
		['before', 139, crashedAt - 5_000],
		['long after', 139, crashedAt + 30_000],
	])('a container that ended %s did not end by it: the pod is likely, no more', (_, exitCode, endedAt) => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		at.end(pod, exitCode, endedAt);
		const answer = at.of({ host: pod.name });
		expect(answer.association).toMatchObject({ method: 'host name', confidence: 'weak', pod: pod.name });
		expect(answer.association).not.toHaveProperty('exitCode');
		expect([answer.restart, answer.isFinal]).toEqual([undefined, false]);
	});

	test('a large core takes minutes, and its container ends behind it', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		at.end(pod, 139, crashedAt + 4 * minute);
		expect(at.of({ host: pod.name, writtenAt: iso(crashedAt + 4 * minute - 700) })).toMatchObject({
			isFinal: true,
			association: { confidence: 'strong', exitCode: 139 },
		});
	});

	test('who is killed for not answering while its core is written has that core, who is killed for its memory has not', () => {
		for (const [reason, method] of [
			['Error', 'strong'],
			['OOMKilled', 'weak'],
		] as const) {
			const at = watchedNode();
			const pod = at.pod('search-querynode-0');
			pod.end(crashedAt + 90_000, { exitCode: 137, reason });
			at.look(pod);
			expect(at.of({ host: pod.name, writtenAt: iso(crashedAt + 91_000) }).association).toMatchObject({
				pod: pod.name,
				confidence: method,
			});
		}
	});

	test('of several runs of a container that crashes again and again it is the one at that time', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		const ids: string[] = [];
		for (const n of [0, 1, 2, 3]) {
			if (n > 0) at.again(pod, crashedAt + n * 2_000);
			ids.push(pod.containerId());
			at.end(pod, 139, crashedAt + n * 2_000 + 1_200);
		}
		const found = [0, 1, 2, 3].map((n) =>
			at.of({ host: pod.name, time: iso(crashedAt + n * 2_000), writtenAt: iso(crashedAt + n * 2_000 + 900) }),
		);
		expect(found.map(({ association }) => association.containerId)).toEqual(ids);
	});

	test('an end that was missed is not taken for that of the run that came next', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		pod.end(crashedAt + 300, { exitCode: 139 });
		pod.run(crashedAt + 1_000);
		pod.end(crashedAt + 2_000, { exitCode: 139 });
		pod.run(crashedAt + 3_000);
		at.look(pod);
		expect(at.restarts.map(({ body }) => body.restart.missed)).toEqual([1]);
		expect(at.of({ host: pod.name })).not.toHaveProperty('restart');
	});

	test('an end that another core led to is not taken again', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		at.end(pod);
		at.taken.add(at.restarts[0]?.key ?? '');
		const answer = at.of({ host: pod.name });
		expect([answer.restart, answer.association.confidence]).toEqual([undefined, 'weak']);
	});

	test('as long as the pods are not listed, it is a guess', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		at.end(pod);
		at.watched.pods.isComplete = false;
		expect(at.of({ host: pod.name })).toMatchObject({ isFinal: false, association: { pod: pod.name, confidence: 'weak' } });
	});
});

test('while the API server does not tell of pods, an end is a guess, and none that bears its host name is ruled out', () => {
	const at = watchedNode();
	const [alone, one] = [at.pod('search-querynode-0'), at.pod('milvus-0', { namespace: 'one' })];
	at.pod('milvus-0', { namespace: 'other' });
	for (const pod of [alone, one]) at.end(pod);
	at.watched.pods.isBehind = true;
	expect(at.of({ host: alone.name })).toMatchObject({ isFinal: false, association: { confidence: 'weak', pod: alone.name } });
	expect([at.of({ host: 'milvus-0' }).association, at.of({}).association]).toEqual([{ ...none, host: 'milvus-0' }, none]);
});

describe('pods of the same name in two namespaces', () => {
	function twins() {
		const at = watchedNode();
		return { at, one: at.pod('milvus-0', { namespace: 'one' }), other: at.pod('milvus-0', { namespace: 'other' }) };
	}

	test('that crash at once are told apart by the namespace in the environment, and by nothing else', () => {
		const { at, one, other } = twins();
		for (const pod of [one, other]) at.end(pod);
		expect(at.of({ host: 'milvus-0' }).association).toEqual({ ...none, host: 'milvus-0' });
		for (const { namespace, uid } of [one, other])
			expect(at.of({ host: 'milvus-0', namespace }).association).toMatchObject({ confidence: 'strong', podUid: uid, namespace });
	});

	test('are told apart when only one of them ended, and the other is known to have run on; but not at once', () => {
		const { at, other } = twins();
		at.end(other);
		expect(at.of({ host: 'milvus-0' })).toMatchObject({ isFinal: false, association: { confidence: 'strong', namespace: 'other' } });
	});

	test('are not told apart when the other may have ended unseen', () => {
		const { at, one, other } = twins();
		at.end(other);
		for (const n of [0, 1]) {
			one.end(crashedAt + n * 10_000 + 500, { exitCode: 139 });
			one.run(crashedAt + n * 10_000 + 2_000);
		}
		at.look(one);
		expect(at.of({ host: 'milvus-0' }).association).toEqual({ ...none, host: 'milvus-0' });
	});

	test('are told apart when the core of the other is known', () => {
		const { at, one, other } = twins();
		for (const pod of [one, other]) at.end(pod);
		at.taken.add(at.restarts.find(({ body }) => body.association.namespace === 'one')?.key ?? '');
		expect(at.of({ host: 'milvus-0' }).association).toMatchObject({ confidence: 'strong', namespace: 'other' });
	});

	test('of which none ended are not told apart', () => {
		const { at } = twins();
		expect(at.of({ host: 'milvus-0' })).toMatchObject({ isOfMilvus: true, association: { ...none, host: 'milvus-0' } });
	});
});

describe('a pod that comes and goes', () => {
	test('that was deleted since is still known', () => {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		at.end(pod);
		at.watched.remove(pod);
		expect(at.of({ host: pod.name }).association).toMatchObject({ podUid: pod.uid, confidence: 'strong' });
	});

	test('of a StatefulSet that came back under the same name is another, whether the end of the first was seen or not', () => {
		for (const isSeen of [true, false]) {
			const at = watchedNode();
			const first = at.pod('search-querynode-0');
			if (isSeen) at.end(first);
			at.watched.remove(first);
			const second = at.pod('search-querynode-0', { startedAt: crashedAt + 1_000 }, 1);
			const before = at.of({ host: second.name });
			expect(before.association).toMatchObject({ podUid: first.uid, confidence: isSeen ? 'strong' : 'weak' });
			at.end(second, 139, crashedAt + 8_000);
			const after = at.of({ host: second.name, time: iso(crashedAt + 7_000), writtenAt: iso(crashedAt + 7_500) });
			expect(after.association).toMatchObject({ podUid: second.uid });
		}
	});

	test('of a StatefulSet that came back while the agent was away, too: the crash before is known by the journal alone', () => {
		const at = watchedNode();
		const first = at.pod('search-querynode-0');
		at.end(first, 139, crashedAt - 40_000);
		at.watched.remove(first);
		at.watched.restart();
		const second = at.pod('search-querynode-0', { startedAt: crashedAt - 20_000 }, 1);
		at.watched.pods.isComplete = true;
		at.end(second);
		expect(at.of({ host: second.name })).toMatchObject({ isFinal: true, association: { podUid: second.uid, confidence: 'strong' } });
	});

	test('that this agent never saw is nobody, and not the one that bears its name now', () => {
		const at = watchedNode();
		at.pod('search-querynode-0', { startedAt: crashedAt + 1_000 }, 1);
		expect(at.of({ host: 'search-querynode-0' }).association).toEqual({ ...none, host: 'search-querynode-0' });
	});
});

describe('by time', () => {
	test('the only Milvus that ended so, though others did, is likely; never at once', () => {
		const at = watchedNode();
		const [pod, etcd] = [at.pod('search-querynode-0'), at.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] })];
		at.pod('search-querynode-1');
		for (const one of [pod, etcd]) at.end(one);
		expect(at.of({})).toMatchObject({ isFinal: false, association: { method: 'time', confidence: 'weak', pod: pod.name, exitCode: 139 } });
	});

	test('two crashes in one second are nobody’s, unless by their signal', () => {
		const at = watchedNode();
		const [one, other] = [at.pod('search-querynode-0'), at.pod('search-querynode-1')];
		at.end(one, 139);
		at.end(other, 134);
		expect([at.of({ signal: 11 }).association.pod, at.of({ signal: 6 }).association.pod]).toEqual([one.name, other.name]);
		const third = at.pod('search-querynode-2');
		at.end(third, 139);
		expect(at.of({ signal: 11 }).association).toEqual(none);
	});

	test('a process that is none of Milvus is nobody’s', () => {
		const at = watchedNode();
		at.end(at.pod('search-querynode-0'));
		expect(at.of({ isMilvus: false })).toMatchObject({ isOfMilvus: false, association: none });
	});

	test('of a process that nothing tells of, any pod may be it', () => {
		const at = watchedNode();
		const [pod, etcd] = [at.pod('search-querynode-0'), at.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] })];
		at.end(pod);
		const { isMilvus, ...unknown } = { isMilvus: undefined };
		const traces = { time: iso(crashedAt), writtenAt: iso(crashedAt + 200), signal: 11, ...unknown };
		const knowledge = { node, pods: at.watched.pods, restarts: at.restarts, isOpen: () => true };
		expect(associate(traces, knowledge).association).toMatchObject({ method: 'time', pod: pod.name });
		at.end(etcd);
		expect(associate(traces, knowledge).association).toEqual(none);
	});
});

describe('a pod in the network of its node', () => {
	test('has the name of the node, by which it is likely where it is alone', () => {
		const at = watchedNode();
		const [pod, other] = [at.pod('search-proxy-0', { isHostNetwork: true }), at.pod('search-querynode-0')];
		for (const one of [pod, other]) at.end(one);
		expect(at.of({ host: node }).association).toMatchObject({ method: 'time', confidence: 'weak', pod: pod.name, host: node });
		expect(at.of({ host: `${node}.example.net` }).association).toMatchObject({ pod: pod.name });
		expect(at.of({ host: 'ip-10-0-0-1' }).association).toMatchObject({ pod: pod.name });
	});

	test('is known for one also when it is forgotten', () => {
		const at = watchedNode();
		at.end(at.pod('search-proxy-0', { isHostNetwork: true }));
		at.watched.restart();
		at.watched.pods.isComplete = true;
		expect(at.of({ host: node }).association).toMatchObject({ method: 'time', pod: 'search-proxy-0' });
	});

	test('is not told from another such, nor is a process of the machine taken for it', () => {
		const at = watchedNode();
		const [one, other] = [at.pod('search-proxy-0', { isHostNetwork: true }), at.pod('search-proxy-1', { isHostNetwork: true })];
		at.end(one);
		expect(at.of({ host: node, isOutsidePods: true })).toMatchObject({ isOfMilvus: false, association: { ...none, host: node } });
		expect(at.of({ host: node, isMilvus: false })).toMatchObject({ isOfMilvus: false, association: { ...none, host: node } });
		at.end(other);
		expect(at.of({ host: node }).association).toEqual({ ...none, host: node });
	});
});

test('a clock of the API server that is hours off changes nothing', () => {
	for (const ahead of [-5, 5]) {
		const at = watchedNode();
		const pod = at.pod('search-querynode-0');
		const skewed: PlayedPod = {
			...pod,
			object: () => {
				const { metadata, ...rest } = pod.object();
				const creationTimestamp = iso(crashedAt + ahead * 60 * minute);
				return { ...rest, metadata: { ...metadata, creationTimestamp } };
			},
		};
		pod.end(crashedAt + 300, { exitCode: 139 });
		at.look(skewed);
		expect(at.of({ host: pod.name }).association).toMatchObject({ confidence: 'strong', pod: pod.name });
	}
});
