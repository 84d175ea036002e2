import { isSystemError, messageOf } from '../../base/errors.ts';
import { NotRegularError } from '../../base/regular-file.ts';
import type { Pod } from '../../domain/pod.ts';
import type { Log } from '../../domain/report.ts';
import { type Cluster, isKubernetesError } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { apiLogs } from './api-log.ts';
import { type End, signalOf } from './ends.ts';
import { killMessageOf } from './kill-message.ts';
import { panicLine } from './panic-line.ts';
import { createPatience } from './patience.ts';
import { keepLog, logOnNode } from './previous-log.ts';

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
	readonly now: () => number;
};

const [SIGKILL, SIGTERM] = [9, 15];

/** Collects what a run of a container wrote at its end, and what the kubelet said. What can't be had is missing, and a crash is told without. */
export function createLastWords({ cluster, telemetry, podLogsPath, logFolder, now }: Deps) {
	const logOfApi = apiLogs(cluster, now);
	const askForEvents = createPatience(now);

	async function content(pod: Pod, end: End, signal: AbortSignal): Promise<Buffer | undefined> {
		const unavailable = (reason: string) => telemetry.logUnavailable(`${pod.namespace}/${pod.name}`, end.container.name, reason);
		try {
			const onNode = await logOnNode(podLogsPath, pod, { container: end.container.name, number: end.restartCount - 1 });
			if (onNode) return onNode;
		} catch (error) {
			if (!(isSystemError(error) || error instanceof NotRegularError)) throw error;
			unavailable(error.message); // the API may have it
		}
		try {
			const log = await logOfApi(pod, end, signal);
			if (log.is === 'log') return log.tail;
			unavailable(log.reason);
		} catch (error) {
			if (!isKubernetesError(error)) throw error;
			unavailable(error.message);
		}
		return undefined;
	}

	async function killMessage(pod: Pod, { container, termination }: End, signal: AbortSignal): Promise<string | undefined> {
		const ended = signalOf(termination)?.number;
		if (termination.reason === 'OOMKilled' || (ended !== SIGKILL && ended !== SIGTERM)) return undefined;
		const endedAt = termination.finishedAt ?? now();
		try {
			return await askForEvents(() => killMessageOf(cluster, pod, container.name, endedAt, signal));
		} catch (error) {
			if (!isKubernetesError(error)) throw error;
			telemetry.killUnexplained(`${pod.namespace}/${pod.name}`, error.message);
			return undefined;
		}
	}

	async function kept(key: string, text: Buffer): Promise<Log | undefined> {
		try {
			return await keepLog(logFolder, key, text);
		} catch (error) {
			if (!isSystemError(error)) throw error;
			telemetry.logNotKept(key, messageOf(error));
			return undefined;
		}
	}

	return async function lastWordsOf(key: string, pod: Pod, end: End, signal: AbortSignal): Promise<LastWords> {
		const [text, said] = await Promise.all([content(pod, end, signal), killMessage(pod, end, signal)]);
		if (!text || text.length === 0) return { log: undefined, panicLine: undefined, killMessage: said };
		return { log: await kept(key, text), panicLine: await panicLine(text), killMessage: said };
	};
}
