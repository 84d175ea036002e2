import { hostname } from 'node:os';
import type { LeadersWork } from '../components/leader/leader.ts';
import { retention, sharedStore } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import { isBackendError } from '../domain/backend.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { pause } from './pause.ts';
import { problemOf } from './problem.ts';
import { limitsOf } from './retention.ts';
import { storeOf } from './store.ts';

/** How often a store that is shared is listed. */
const sharedIntervalMs = 5 * 60_000;
const afterFailureMs = 60_000;

/** Holds a store that many share to its limits, for all of them. */
export function clearShared(config: Config, telemetry: Telemetry): LeadersWork {
	return async (_, signal) => {
		const backend = storeOf(config, hostname(), telemetry);
		const holdings = sharedStore({ backend, telemetry }, signal);
		const pass = retention({ holdings, space: () => backend.space(signal), options: limitsOf(config) });
		while (!signal.aborted) {
			const problem = await problemOf(pass, isBackendError, signal);
			if (signal.aborted) return;
			if (problem === undefined) telemetry.retentionWorks();
			else telemetry.componentNotReady('retention', problem);
			await pause(problem === undefined ? sharedIntervalMs : afterFailureMs, signal);
		}
	};
}
