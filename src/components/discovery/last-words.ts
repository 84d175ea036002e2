import { messageOf } from '../../base/errors.ts';
import type { Pod } from '../../domain/pod.ts';
import type { Log } from '../../domain/report.ts';
import { type Cluster, isKubernetesError } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type End, signalOf } from './ends.ts';
import { killMessageOf } from './kill-message.ts';
import { keepLog, logOnNode, panicLine, tailBytes } from './previous-log.ts';

export type LastWords = {
	readonly log: Log | undefined;
	readonly panicLine: string | undefined;
	readonly killMessage: string | undefined;
};

type Deps = {
	readonly cluster: Cluster;
	readonly telemetry: Telemetry;
	/** The kubelet's folder of logs. */
	readonly podLogsPath: string;
	/** Where the logs of containers that ended are kept. */
	readonly logFolder: string;
};

const [SIGKILL, SIGTERM] = [9, 15];

/** Collects what a run of a container wrote at its end, and what the kubelet said. What can't be had is missing, and a crash is told without. */
export function createLastWords({ cluster, telemetry, podLogsPath, logFolder }: Deps) {
	async function content(pod: Pod, { container, restartCount }: End, signal: AbortSignal): Promise<Buffer | undefined> {
		const onNode = await logOnNode(podLogsPath, pod, { container: container.name, number: restartCount - 1 });
		if (onNode) return onNode;
		// The API knows the last run and the one before only.
		const previous = container.restartCount >= restartCount;
		const { namespace, name } = pod;
		try {
			const log = await cluster.log({ namespace, pod: name, container: container.name, previous, tailBytes }, signal);
			if (log.is === 'log') return log.tail;
			telemetry.logUnavailable(`${namespace}/${name}`, container.name, log.reason);
		} catch (error) {
			if (!isKubernetesError(error)) throw error;
			telemetry.logUnavailable(`${namespace}/${name}`, container.name, messageOf(error));
		}
		return undefined;
	}

	async function killMessage(pod: Pod, { container, termination }: End, signal: AbortSignal): Promise<string | undefined> {
		const ended = signalOf(termination)?.number;
		if (termination.reason === 'OOMKilled' || (ended !== SIGKILL && ended !== SIGTERM)) return undefined;
		try {
			return await killMessageOf(cluster, pod, container.name, termination.finishedAt ?? Date.now(), signal);
		} catch (error) {
			if (!isKubernetesError(error)) throw error;
			telemetry.killUnexplained(`${pod.namespace}/${pod.name}`, messageOf(error));
			return undefined;
		}
	}

	return async function lastWordsOf(key: string, pod: Pod, end: End, signal: AbortSignal): Promise<LastWords> {
		const said = await killMessage(pod, end, signal);
		const text = await content(pod, end, signal);
		if (!text || text.length === 0) return { log: undefined, panicLine: undefined, killMessage: said };
		return { log: await keepLog(logFolder, key, text), panicLine: panicLine(text.toString('utf8')), killMessage: said };
	};
}
