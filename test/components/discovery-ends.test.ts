import { describe, expect, test } from 'vitest';
import { type End, endsIn, isCrash, isStartUp, newEnds, signalOf, type Told, toldOf } from '../../src/components/discovery/ends.ts';
import { podTable } from '../../src/components/discovery/pods.ts';
import { type ApiPod, readPod } from '../../src/components/discovery/read-pod.ts';
import type { Pod, Termination } from '../../src/domain/pod.ts';

const start = Date.parse('2026-11-23T06:00:00Z');
const second = 1_000;

/** How the run with that id ended, so many seconds after the pod started. */
const ended = (id: string | undefined, at: number | undefined, more: Partial<Termination> = {}): Termination => ({
	...{ containerId: id, exitCode: 139, signal: undefined, reason: 'Error', message: undefined, startedAt: start },
	finishedAt: at === undefined ? undefined : start + at * second,
	...more,
});

type State = { readonly restartCount: number; readonly lastEnd?: Termination; readonly end?: Termination; readonly isEnding?: boolean };

function podWith({ isEnding = false, ...state }: State, name = 'querynode'): Pod {
	const container = {
		name,
		image: 'i',
		imageId: undefined,
		id: undefined,
		isReady: true,
		startedAt: undefined,
		end: undefined,
		lastEnd: undefined,
		...state,
	};
	return {
		...{
			uid: 'u',
			namespace: 'a',
			name: 'p',
			node: 'n',
			labels: {},
			annotations: {},
			owner: undefined,
			hostname: 'p',
			isHostNetwork: false,
		},
		...{ startedAt: start, isEnding, containers: [container] },
	};
}

/** Looks at a pod again and again, as discovery does; gives what each look finds new. */
function looks(told?: Told) {
	const pods = podTable();
	let last = told;
	return (state: State) => {
		pods.set(podWith(state));
		const known = pods.byUid('u');
		const ends = known ? newEnds(known, () => last) : [];
		for (const end of ends) last = toldOf(end);
		last ??= { restartCount: state.restartCount };
		return ends.map(
			({ termination, restartCount, missed }) => `${termination.containerId ?? ''} #${restartCount}${missed ? ` after ${missed}` : ''}`,
		);
	};
}

describe('an end of a container', () => {
	test('is new once, whether it is seen before its restart, after it or both', () => {
		const look = looks();
		expect(look({ restartCount: 0 })).toEqual([]);
		expect(look({ restartCount: 0, end: ended('c0', 10) })).toEqual(['c0 #1']);
		expect(look({ restartCount: 0, end: ended('c0', 10) })).toEqual([]);
		expect(look({ restartCount: 1, lastEnd: ended('c0', 10) })).toEqual([]);
		expect(look({ restartCount: 2, lastEnd: ended('c1', 20) })).toEqual(['c1 #2']);
		expect(look({ restartCount: 2, lastEnd: ended('c1', 20), end: ended('c2', 30) })).toEqual(['c2 #3']);
		expect(look({ restartCount: 3, lastEnd: ended('c2', 30) })).toEqual([]);
	});

	test('is new twice where both the last and the one before are', () => {
		const look = looks();
		look({ restartCount: 0 });
		expect(look({ restartCount: 1, lastEnd: ended('c0', 10), end: ended('c1', 20) })).toEqual(['c0 #1', 'c1 #2']);
	});

	test('tells how many were missed before it', () => {
		const look = looks();
		look({ restartCount: 0 });
		expect(look({ restartCount: 4, lastEnd: ended('c3', 40) })).toEqual(['c3 #4 after 3']);
		expect(look({ restartCount: 7, lastEnd: ended('c6', 70), end: ended('c7', 80) })).toEqual(['c6 #7 after 2', 'c7 #8']);
		// Restarted without an end to show: the next one tells.
		expect(look({ restartCount: 9 })).toEqual([]);
		expect(look({ restartCount: 10, lastEnd: ended('c9', 100) })).toEqual(['c9 #10 after 1']);
	});

	test('is new at first sight, and what was before it is nobody knows how old', () => {
		expect(looks()({ restartCount: 300, lastEnd: ended('c299', 10) })).toEqual(['c299 #300']);
		expect(looks()({ restartCount: 300, lastEnd: ended('c299', 10), end: ended('c300', 20) })).toEqual(['c299 #300', 'c300 #301']);
	});

	test('is known again after a restart of the agent', () => {
		const look = looks({ restartCount: 5, containerId: 'c4', finishedAt: start + 50 * second });
		expect(look({ restartCount: 5, lastEnd: ended('c4', 50) })).toEqual([]);
		expect(look({ restartCount: 7, lastEnd: ended('c6', 70) })).toEqual(['c6 #7 after 1']);
	});

	test('is not told twice where the runtime gives no ids', () => {
		const look = looks();
		look({ restartCount: 0 });
		expect(look({ restartCount: 0, end: ended(undefined, 10) })).toEqual([' #1']);
		expect(look({ restartCount: 1, lastEnd: ended(undefined, 10) })).toEqual([]);
		// One that is shown as the one before while it is the last, and later under its right number.
		expect(look({ restartCount: 1, lastEnd: ended(undefined, 20) })).toEqual([]);
		expect(look({ restartCount: 2, lastEnd: ended(undefined, 20) })).toEqual([' #2']);
		expect(look({ restartCount: 2, lastEnd: ended(undefined, 20) })).toEqual([]);
		expect(look({ restartCount: 3, lastEnd: ended(undefined, 30) })).toEqual([' #3']);
	});

	test('is new on a node that lost its containers and counts from the start again', () => {
		const look = looks();
		look({ restartCount: 8 });
		expect(look({ restartCount: 9, lastEnd: ended('c8', 90) })).toEqual(['c8 #9']);
		expect(look({ restartCount: 0 })).toEqual([]);
		expect(look({ restartCount: 1, lastEnd: ended('d0', 200) })).toEqual(['d0 #1']);
		expect(look({ restartCount: 2, lastEnd: ended('d1', 210) })).toEqual(['d1 #2']);
	});

	test('is not new in an older answer of the API', () => {
		const look = looks();
		look({ restartCount: 2 });
		expect(look({ restartCount: 3, lastEnd: ended('c2', 30) })).toEqual(['c2 #3']);
		expect(look({ restartCount: 2, lastEnd: ended('c1', 20) })).toEqual([]);
		expect(look({ restartCount: 3, lastEnd: ended('c2', 30) })).toEqual([]);
	});

	test('is told of each container for itself', () => {
		const pods = podTable();
		const [one] = podWith({ restartCount: 1, lastEnd: ended('c0', 10) }).containers;
		const [two] = podWith({ restartCount: 3, lastEnd: ended('x2', 10) }, 'sidecar').containers;
		pods.set({ ...podWith({ restartCount: 0 }), containers: [one, two].flatMap((container) => container ?? []) });
		const known = pods.byUid('u');
		const ends = known ? newEnds(known, (container) => (container === 'sidecar' ? { restartCount: 1 } : { restartCount: 1 })) : [];
		expect(ends.map(({ container, restartCount, missed }) => [container.name, restartCount, missed])).toEqual([['sidecar', 3, 1]]);
	});
});

describe('the signal of an end', () => {
	test.each([
		[139, undefined, 'SIGSEGV'],
		[134, undefined, 'SIGABRT'],
		[137, undefined, 'SIGKILL'],
		[143, undefined, 'SIGTERM'],
		[135, undefined, 'SIGBUS'],
		[136, undefined, 'SIGFPE'],
		[132, undefined, 'SIGILL'],
		[0, 11, 'SIGSEGV'], // some runtimes tell it
		[1, undefined, undefined],
		[2, undefined, undefined],
		[80, undefined, undefined],
		[128, undefined, undefined], // the container could not be started
		[255, undefined, undefined],
		[-1, undefined, undefined],
	])('exit code %i with signal %s is %s', (exitCode, signal, name) => {
		expect(signalOf(ended('c', 1, { exitCode, signal }))?.name).toBe(name);
	});

	test('of the last real-time one is told too', () => {
		expect(signalOf(ended('c', 1, { exitCode: 192 }))?.number).toBe(64);
		expect(signalOf(ended('c', 1, { exitCode: 193 }))).toBeUndefined();
	});
});

describe('a crash is', () => {
	const crash = (more: Partial<Termination>, wasEnding = false) => isCrash({ termination: ended('c', 1, more), wasEnding });

	test('every end with an error', () => {
		for (const exitCode of [1, 2, 80, 134, 139, 137, 143]) expect(crash({ exitCode }), String(exitCode)).toBe(true);
		expect(crash({ exitCode: 137, reason: 'OOMKilled' })).toBe(true);
		expect(crash({ exitCode: 128, reason: 'StartError' })).toBe(true);
	});

	test('not an end without one', () => {
		expect(crash({ exitCode: 0, reason: 'Completed' })).toBe(false);
	});

	test('not what the kubelet or the operator ends when a pod goes: deleted, rolled out, evicted', () => {
		expect(crash({ exitCode: 137 }, true)).toBe(false);
		expect(crash({ exitCode: 143 }, true)).toBe(false);
		expect(crash({ exitCode: 0, reason: 'Completed' }, true)).toBe(false);
	});

	test('also what a pod that goes does wrong itself', () => {
		expect(crash({ exitCode: 139 }, true)).toBe(true);
		expect(crash({ exitCode: 134 }, true)).toBe(true);
		expect(crash({ exitCode: 137, reason: 'OOMKilled' }, true)).toBe(true);
	});

	test('not an end that nobody saw: the node was started anew', () => {
		expect(crash({ exitCode: 255, reason: 'Unknown' })).toBe(false);
		expect(crash({ exitCode: 137, reason: 'ContainerStatusUnknown' })).toBe(false);
		expect(crash({ exitCode: 255 })).toBe(true);
	});

	test('still one when the pod goes only afterwards', () => {
		const pods = podTable();
		pods.set(podWith({ restartCount: 0, end: ended('c0', 10, { exitCode: 137 }) }));
		pods.set(
			podWith({ restartCount: 1, lastEnd: ended('c0', 10, { exitCode: 137 }), end: ended('c1', 20, { exitCode: 137 }), isEnding: true }),
		);
		const known = pods.byUid('u');
		const ends = known ? newEnds(known, () => ({ restartCount: 0 })) : [];
		expect(ends.map((end) => [end.restartCount, isCrash(end)])).toEqual([
			[1, true],
			[2, false],
		]);
	});
});

describe('a restart at start-up is', () => {
	const startUp = (
		at: number | undefined,
		more: Partial<Termination> & { restartCount?: number; isPanic?: boolean } = {},
		startedAt: number | undefined = start,
	) => {
		const { restartCount = 1, isPanic = false, ...termination } = more;
		const end: Pick<End, 'termination' | 'restartCount'> = { termination: ended('c', at, { exitCode: 1, ...termination }), restartCount };
		return isStartUp(end, { ...podWith({ restartCount }), startedAt }, isPanic);
	};

	test('an exit by its own decision, soon after the pod started, and one of few', () => {
		expect(startUp(20)).toBe(true);
		expect(startUp(300)).toBe(true);
		expect(startUp(301)).toBe(false);
		expect(startUp(20, { restartCount: 5 })).toBe(true);
		expect(startUp(20, { restartCount: 6 })).toBe(false);
		expect(startUp(20, { exitCode: 80 })).toBe(true);
		expect(startUp(20, { exitCode: 2 })).toBe(true);
	});

	test('a panic, for so Milvus gives up waiting; not another abort, fault or kill', () => {
		expect(startUp(20, { exitCode: 134, isPanic: true })).toBe(true);
		expect(startUp(20, { exitCode: 134 })).toBe(false);
		expect(startUp(20, { exitCode: 139, isPanic: true })).toBe(false);
		expect(startUp(20, { exitCode: 137 })).toBe(false);
		expect(startUp(20, { exitCode: 1, reason: 'OOMKilled' })).toBe(false);
	});

	test('nothing of which the times are not known', () => {
		expect(startUp(undefined)).toBe(false);
		expect(startUp(20, {}, 0)).toBe(false);
		const end = { termination: ended('c', 20, { exitCode: 1 }), restartCount: 1 };
		expect(isStartUp(end, { ...podWith({ restartCount: 1 }), startedAt: undefined }, false)).toBe(false);
	});
});

describe('a pod of the API is read', () => {
	const id = (letter: string) => letter.repeat(64);
	const terminated = (letter: string, more: object = {}) => ({
		terminated: {
			...{ exitCode: 139, reason: 'Error', containerID: `containerd://${id(letter)}` },
			...{ startedAt: '2026-11-23T06:00:00Z', finishedAt: '2026-11-23T06:00:30Z' },
			...more,
		},
	});
	const api = (status: object, more: { readonly metadata?: object; readonly spec?: object; readonly pod?: object } = {}): ApiPod =>
		({
			metadata: { name: 'p', namespace: 'a', uid: 'u', resourceVersion: '1', ...more.metadata },
			spec: { nodeName: 'n', containers: [{ name: 'querynode', image: 'milvusdb/milvus:v2.6.15' }], ...more.spec },
			status: { startTime: '2026-11-23T05:59:00Z', containerStatuses: [{ name: 'querynode', ...status }], ...more.pod },
		}) as ApiPod;
	const container = (status: object) => readPod(api(status)).containers[0];

	test('while its container runs again: how the run before ended', () => {
		const read = container({
			...{ restartCount: 3, ready: true, containerID: `containerd://${id('b')}` },
			...{ state: { running: { startedAt: '2026-11-23T06:00:31Z' } }, lastState: terminated('a') },
		});
		expect(read).toEqual({
			...{ name: 'querynode', image: 'milvusdb/milvus:v2.6.15', id: id('b'), restartCount: 3, isReady: true, end: undefined },
			startedAt: Date.parse('2026-11-23T06:00:31Z'),
			lastEnd: {
				...{ containerId: id('a'), exitCode: 139, signal: undefined, reason: 'Error', message: undefined },
				...{ startedAt: Date.parse('2026-11-23T06:00:00Z'), finishedAt: Date.parse('2026-11-23T06:00:30Z') },
			},
		});
	});

	test('when its container has ended: how, and how the one before did', () => {
		const read = container({ restartCount: 3, containerID: `cri-o://${id('b')}`, state: terminated('b'), lastState: terminated('a') });
		expect(read).toMatchObject({ id: id('b'), isReady: false, end: { containerId: id('b') }, lastEnd: { containerId: id('a') } });
	});

	test('while its container waits for its next run: how the present one ended, which the kubelet shows as the last', () => {
		const status = { restartCount: 3, containerID: `containerd://${id('b')}`, lastState: terminated('b') };
		const read = container({ ...status, state: { waiting: { reason: 'CrashLoopBackOff' } } });
		expect(read).toMatchObject({ restartCount: 3, end: { containerId: id('b') }, lastEnd: undefined });
		const [end] = endsIn({ containers: read ? [read] : [], isEnding: false });
		expect(end).toMatchObject({ restartCount: 4 });
		// Made anew, and not started yet: then the restart is counted already.
		const other = container({ ...status, containerID: `containerd://${id('c')}`, state: { waiting: { reason: 'RunContainerError' } } });
		expect(other).toMatchObject({ end: undefined, lastEnd: { containerId: id('b') } });
		const lost = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt: null, finishedAt: null } };
		expect(container({ restartCount: 4, state: { waiting: { reason: 'ContainerCreating' } }, lastState: lost })).toMatchObject({
			end: undefined,
			lastEnd: { containerId: undefined, startedAt: undefined, finishedAt: undefined },
		});
	});

	test('with an id of its own run where the end has none', () => {
		const read = container({ restartCount: 0, containerID: `containerd://${id('b')}`, state: terminated('', { containerID: undefined }) });
		expect(read?.end?.containerId).toBe(id('b'));
	});

	test('with times that are none, of a container that never ran, as unknown', () => {
		const state = terminated('b', { startedAt: '1970-01-01T00:00:00Z', finishedAt: '0001-01-01T00:00:00Z' });
		expect(container({ restartCount: 0, state })?.end).toMatchObject({ startedAt: undefined, finishedAt: undefined });
	});

	test('before the kubelet has told anything', () => {
		const { containers, startedAt } = readPod({ ...api({}), status: {} } as ApiPod);
		expect(startedAt).toBeUndefined();
		expect(containers).toMatchObject([
			{ name: 'querynode', restartCount: 0, isReady: false, id: undefined, end: undefined, lastEnd: undefined },
		]);
		expect(readPod({ metadata: { name: 'p', uid: 'u', resourceVersion: '1' } })).toMatchObject({ containers: [], node: '', namespace: '' });
	});

	test('without init containers, and those that run beside as init containers', () => {
		const more = {
			spec: {
				initContainers: [
					{ name: 'config', image: 'x' },
					{ name: 'vector', image: 'y', restartPolicy: 'Always' },
				],
			},
			pod: { initContainerStatuses: [{ name: 'config', restartCount: 9, lastState: terminated('a') }] },
		};
		expect(readPod(api({ restartCount: 0 }, more)).containers.map(({ name }) => name)).toEqual(['querynode']);
	});

	test('as ending, when somebody deletes it or the kubelet ends all of it', () => {
		expect(readPod(api({})).isEnding).toBe(false);
		expect(readPod(api({}, { metadata: { deletionTimestamp: '2026-11-23T06:00:00Z' } })).isEnding).toBe(true);
		for (const reason of ['Evicted', 'NodeShutdown', 'Terminated', 'Preempting'])
			expect(readPod(api({}, { pod: { phase: 'Failed', reason } })).isEnding, reason).toBe(true);
		// A pod that is not restarted fails by its crash.
		expect(readPod(api({ state: terminated('a') }, { pod: { phase: 'Failed' } })).isEnding).toBe(false);
	});

	test('with the host name that its processes see', () => {
		const long = `a${'b'.repeat(61)}-${'c'.repeat(30)}`;
		expect(readPod(api({}, { metadata: { name: long } })).hostname).toBe(`a${'b'.repeat(61)}`);
		expect(readPod(api({}, { spec: { hostname: 'own' } })).hostname).toBe('own');
		expect(readPod(api({}, { spec: { hostNetwork: true } })).isHostNetwork).toBe(true);
	});

	test('with its controller, its labels, and of its annotations only what is for this agent', () => {
		const ownerReferences = [
			{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: '1' },
			{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: '2', controller: true },
		];
		const annotations = { 'diagnostics.milvus.io/keep': 'true', 'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(10_000) };
		expect(readPod(api({}, { metadata: { ownerReferences, annotations, labels: { a: 'b' } } }))).toMatchObject({
			owner: { kind: 'ReplicaSet', name: 'r', uid: '2' },
			labels: { a: 'b' },
			annotations: { 'diagnostics.milvus.io/keep': 'true' },
		});
	});
});
