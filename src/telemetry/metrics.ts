import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const prefix = 'milvus_coredump_agent_';

/** All metrics under their names. Labels take few values: never a path, a pod or a fingerprint. */
export function createMetrics() {
	const registry = new Registry();
	const registers = [registry];
	const counter = <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
		new Counter({ name: prefix + name, help, labelNames, registers });
	const gauge = <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
		new Gauge({ name: prefix + name, help, labelNames, registers });
	const histogram = (name: string, help: string, buckets: number[]) => new Histogram({ name: prefix + name, help, buckets, registers });
	collectDefaultMetrics({ register: registry, prefix });
	return {
		registry,
		up: gauge('up', '1 while the agent runs'),
		componentReady: gauge('component_ready', '1 for a component that can do its work', 'component'),
		configSuccessful: gauge(
			'config_last_reload_successful',
			'1 when the configuration in force is what the file says, 0 when that is wrong',
		),
		configSuccess: gauge('config_last_reload_success_timestamp_seconds', 'When a right configuration was last read, in seconds since 1970'),
		discovered: counter('coredumps_discovered_total', 'Core files that were found'),
		processed: counter('coredumps_processed_total', 'Core files whose way ended: stored, skipped or lost'),
		skipped: counter('coredumps_skipped_total', 'Files that were not collected, and cores that were not stored, by reason', 'reason'),
		errors: counter('coredumps_errors_total', 'Unexpected errors and work given up, by component', 'component'),
		retries: counter('retries_total', 'Work put off because of the world outside, by component', 'component'),
		journaldGaps: counter('journald_gaps_total', "Times that entries of the host's journal were missing"),
		coresLost: counter('cores_lost_total', "Cores that were lost before anybody could collect them, as the host's journal tells"),
		analyses: counter('analysis_total', 'Analyses begun'),
		analysesSuccessful: counter(
			'analysis_successful_total',
			'Analyses with a stack, or with all that was asked for where gdb is switched off',
		),
		analysesFailed: counter('analysis_failed_total', 'Analyses without the stack that was wanted, or with no result'),
		analysisDuration: histogram('analysis_duration_seconds', 'Duration of an analysis', [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]),
		score: histogram('value_score_distribution', 'Scores given', [4, 5, 6, 7, 8, 9, 10]),
		stored: counter('files_stored_total', 'Cores that were stored', 'backend'),
		opinions: counter('opinions_total', 'Crashes that a model was to be asked about, by what came of it', 'result'),
		modelCalls: counter('model_calls_total', "Calls of a model's service, by what came of them", 'service', 'outcome'),
		debuginfodCalls: counter('debuginfod_calls_total', 'Files that a debuginfod server was asked for, by what came of it', 'outcome'),
		modelTokens: counter('model_tokens_total', 'Tokens that were counted, in and out', 'direction'),
		modelCost: counter('model_cost_total', 'What models have cost, in the currency of the configured prices'),
		modelBudget: gauge('model_budget_left', "What is left of the month's money and of the hour's questions, for all nodes together", 'of'),
		modelBreaker: gauge('model_breaker', "1 for the state that the model's service is in: closed (asked), open, stopped", 'state'),
		deleted: counter('files_deleted_total', 'Stored cores that were deleted, by what was too much: age, size or space', 'reason'),
		storageSize: gauge('storage_size_bytes', 'Bytes that the stored files take', 'backend'),
		storageErrors: counter('storage_errors_total', 'Failed tries to store a core', 'backend'),
		instances: gauge('milvus_instances_total', 'Milvus instances with a pod on this node'),
		restarts: counter('restart_counts', 'Ends of containers of Milvus that were crashes, by reason', 'reason'),
		clusterRequests: counter('kubernetes_requests_total', 'Requests to the API server, by answer', 'verb', 'resource', 'status'),
		published: counter('crashreports_published_total', 'CrashReports that were written to the cluster, new or anew'),
		expired: counter(
			'crashreports_expired_total',
			'CrashReports that were deleted from the cluster, by what was too much of them',
			'reason',
		),
		cleanups: gauge('instance_cleanups', 'InstanceCleanups in the cluster, by phase; told by the agent that leads', 'phase'),
		removals: counter('instance_removals_total', 'Attempts of this agent to remove an instance', 'result'),
		cleanupPhases: counter('instance_cleanup_phases_total', 'Phases into which this agent has brought InstanceCleanups', 'phase'),
		leader: gauge('leader', '1 while this agent does what one of all does for the cluster'),
		lastProcessed: gauge('last_processed_file_timestamp', 'When a core file was last processed, in seconds since 1970'),
	};
}

export type Metrics = ReturnType<typeof createMetrics>;
