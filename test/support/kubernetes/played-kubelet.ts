import { randomBytes } from 'node:crypto';
import { type Manifest, pathOf, type Stored } from './api.ts';
import type { Cluster } from './cluster.ts';

/** How a container ended. */
export type Ended = {
	readonly exitCode: number;
	/** What the runtime says of it: else `Completed` for 0 and `Error`. */
	readonly reason?: string;
	/** Only some runtimes tell it. */
	readonly signal?: number;
	readonly message?: string;
	/** Else it has just ended. */
	readonly finishedAt?: Date;
};

/** The status that a kubelet would write of one pod, step by step. Containers are by their names; without one the first is meant. */
export type PlayedPod = {
	/** Starts all containers anew, under new ids. */
	run(startedAt?: Date): Promise<Stored>;
	/** A container ends, and that is seen before anything else is done. */
	end(how: Ended, container?: string): Promise<Stored>;
	/** One that has ended waits in CrashLoopBackOff. */
	backOff(container?: string): Promise<Stored>;
	/** One that has ended runs again. */
	restart(container?: string, startedAt?: Date): Promise<Stored>;
	/** It ends and runs again, which is seen together. @param times how often between two looks: only the last end is told */
	crash(how: Ended, container?: string, times?: number): Promise<Stored>;
	/** Its present id, with the runtime before it: `containerd://…`. */
	containerId(container?: string): string;
};

type Status = {
	readonly name: string;
	readonly image: string;
	readonly imageID: string;
	readonly containerID: string;
	readonly ready: boolean;
	readonly started: boolean;
	readonly restartCount: number;
	readonly state: State;
	readonly lastState: State;
};

type State = {
	readonly running?: { readonly startedAt: string };
	readonly waiting?: { readonly reason: string; readonly message?: string };
	readonly terminated?: Readonly<Record<string, unknown>> & { readonly startedAt: string; readonly finishedAt: string };
};

/** Plays the kubelet of a pod on a node that nobody runs. */
export function playKubelet(cluster: Cluster, pod: Stored): PlayedPod {
	const containers = new Map<string, Status>();
	const named = (name: string = pod.spec.containers[0].name) => {
		const status = containers.get(name);
		if (!status) throw new Error(`${pod.metadata.name} has no container ${name} that was started`);
		return status;
	};
	const change = (status: Status, to: Partial<Status>) => containers.set(status.name, { ...status, ...to });
	const write = (more: object = {}) => setStatus(cluster, pod, { phase: 'Running', containerStatuses: [...containers.values()], ...more });

	function end({ exitCode, reason = exitCode === 0 ? 'Completed' : 'Error', finishedAt, ...more }: Ended, container?: string): void {
		const status = named(container);
		const finished = time(finishedAt);
		const terminated = { exitCode, reason, ...more, containerID: status.containerID, finishedAt: finished };
		const startedAt = status.state.running?.startedAt ?? finished;
		change(status, { ready: false, started: false, state: { terminated: { ...terminated, startedAt } } });
	}

	function restart(container?: string, startedAt?: Date): void {
		const status = named(container);
		const lastState = status.state.terminated ? status.state : status.lastState;
		change(status, {
			...{ lastState, ready: true, started: true, containerID: newId(), restartCount: status.restartCount + 1 },
			state: { running: { startedAt: startedAt ? time(startedAt) : (lastState.terminated?.finishedAt ?? time()) } },
		});
	}

	return {
		run(startedAt) {
			for (const { name, image } of pod.spec.containers)
				containers.set(name, {
					...{ name, image, imageID: `sha256:${'ab'.repeat(32)}`, containerID: newId(), ready: true, started: true, restartCount: 0 },
					state: { running: { startedAt: time(startedAt) } },
					lastState: {},
				});
			return write({ startTime: time(startedAt) });
		},
		end(how, container) {
			end(how, container);
			return write();
		},
		backOff(container) {
			const status = named(container);
			const waiting = { reason: 'CrashLoopBackOff', message: `back-off 10s restarting failed container=${status.name}` };
			change(status, { state: { waiting }, lastState: status.state.terminated ? status.state : status.lastState });
			return write();
		},
		restart(container, startedAt) {
			restart(container, startedAt);
			return write();
		},
		crash(how, container, times = 1) {
			for (let time = 0; time < times; time++) {
				end(how, container);
				restart(container);
			}
			return write();
		},
		containerId: (container) => named(container).containerID,
	};
}

/** Writes into a pod's status, as only a kubelet does. Lists are replaced, other fields kept. */
export function setStatus(cluster: Cluster, pod: Manifest, status: object): Promise<Stored> {
	return cluster.call('PATCH', `${pathOf({ ...pod, apiVersion: 'v1', kind: 'Pod' })}/status`, { status });
}

const newId = () => `containerd://${randomBytes(32).toString('hex')}`;

/** Kubernetes tells whole seconds. */
const time = (at = new Date()) => at.toISOString().replace(/\.\d+/, '');
