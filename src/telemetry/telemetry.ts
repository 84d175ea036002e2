import type { Logger } from 'pino';
import { printable } from '../base/printable.ts';
import { formatBytes, formatSpan } from '../base/quantity.ts';
import { phases as allPhases, type Phase } from '../domain/cleanup-object/cleanup-object.ts';
import type { Bodies } from '../domain/events.ts';
import { placeName } from '../domain/frames.ts';
import type { BreakerState, ModelCall, ModelService, Usage } from '../domain/model-provider.ts';
import type { Instance } from '../domain/pod.ts';
import type { Analysis } from '../domain/report.ts';
import { scoreLine } from '../domain/score.ts';
import { createMetrics } from './metrics.ts';

/** What an agent is for: a machine by itself, or its part in a cluster. */
export type Purpose = 'standalone' | Role;
export type Role = 'node' | 'controller' | 'both';

const onMachines: readonly Purpose[] = ['standalone', 'node', 'both'];
const onNodes: readonly Purpose[] = ['node', 'both'];
const inControllers: readonly Purpose[] = ['controller', 'both'];
const everywhere: readonly Purpose[] = ['standalone', 'node', 'controller', 'both'];

/** The parts of the agent that can be ready or not, by their names in logs, metrics and health, and where there are which. */
const components = {
	config: everywhere,
	journal: onMachines,
	monitor: everywhere,
	collector: onMachines,
	analyzer: onMachines,
	storage: onMachines,
	opinion: onMachines,
	discovery: onNodes,
	publisher: onNodes,
	leader: inControllers,
	expiry: inControllers,
	retention: inControllers,
	cleaner: inControllers,
} as const;

export type Component = keyof typeof components;

type ComponentState = { readonly ready: boolean; readonly reason: string };

/** Who removes what, why, and by what evidence. */
type Audited = {
	readonly by: string;
	readonly why: string;
	/** What is removed. */
	readonly target: object;
	/** CrashReports. */
	readonly evidence: readonly string[];
	readonly saved: { readonly namespace: string; readonly name: string } | undefined;
};

export type Telemetry = ReturnType<typeof createTelemetry>;

/** Everything that is worth telling, by name: each writes its line and counts its metric, so that the two never disagree. */
export function createTelemetry(log: Logger, purpose: Purpose = 'standalone') {
	const metrics = createMetrics();
	const starting: ComponentState = { ready: false, reason: 'starting' };
	const present = (Object.keys(components) as Component[]).filter((component) => components[component].includes(purpose));
	const states = new Map<Component, ComponentState>(present.map((component) => [component, starting]));
	for (const component of present) metrics.componentReady.set({ component }, 0);
	metrics.up.set(1);
	let isLeading = false;

	function setState(component: Component, state: ComponentState) {
		const before = states.get(component);
		states.set(component, state);
		metrics.componentReady.set({ component }, state.ready ? 1 : 0);
		if (before?.ready === state.ready && before.reason === state.reason) return;
		if (state.ready) log.info({ component }, before === starting ? `${component} is ready` : `${component} is ready again`);
		else log.error({ component }, `${component} is not ready: ${printable(state.reason)}`);
	}

	/** It can do its work, be it that there is none. */
	function setReady(component: Component, reason: string) {
		const state = { ready: true, reason };
		if (states.get(component)?.ready) states.set(component, state);
		else setState(component, state);
	}

	function leaveToLeader() {
		for (const component of ['expiry', 'retention', 'cleaner'] as const) setReady(component, leftToLeader);
		metrics.cleanups.reset();
	}

	function configIsRight() {
		setState('config', { ready: true, reason: '' });
		metrics.configSuccessful.set(1);
		metrics.configSuccess.setToCurrentTime();
	}

	return {
		metrics,
		/** How each component is, in the order in which they start. */
		states: states as ReadonlyMap<Component, ComponentState>,
		componentReady: (component: Component) => setState(component, { ready: true, reason: '' }),
		componentNotReady: (component: Component, reason: string) => setState(component, { ready: false, reason }),

		agentStarted: (facts: {
			readonly version: string;
			readonly mode: 'standalone' | 'cluster';
			readonly cores?: string;
			readonly journal?: string;
			readonly node?: string;
			readonly cluster?: string;
			readonly role?: Role;
			readonly identity?: string;
		}) => log.info(facts, 'agent started'),
		listening: (ports: { readonly metrics?: number; readonly health?: number }) => log.info(ports, 'listening'),
		agentStopping: (signal: string) => log.info({ signal }, `${signal}: the agent is stopping`),
		/** Between two configurations. */
		workStopped: (facts: { readonly givenBack: number }) => log.info(facts, 'work stopped, to go on with the new configuration'),
		agentStopped: (facts: { readonly givenBack: number }) => log.info(facts, 'agent stopped'),
		configWarning: (warning: string) => log.warn(warning),
		configLoaded: configIsRight,
		configUnchanged(isAsked: boolean) {
			configIsRight();
			log[isAsked ? 'info' : 'debug']('configuration read again: nothing has changed');
		},
		/** @param level holds from here on; the line itself is written if it or the one before allows */
		configChanged(keys: readonly string[], level: Logger['level']) {
			configIsRight();
			if (!log.isLevelEnabled('info')) log.level = level;
			log.info({ keys }, `configuration changed: ${keys.join(', ')}`);
			log.level = level;
		},
		/** @param problem a line for each mistake */
		configRefused(problem: string) {
			const reason = `the new configuration is refused, and the one before stays in force: ${problem.replaceAll('\n', '; ')}`;
			states.set('config', { ready: true, reason });
			metrics.configSuccessful.set(0);
			log.error({ reason: problem }, printable(reason));
		},
		configHasNoFile: () => log.warn('SIGHUP: there is nothing to read again, as the agent was started without a configuration file'),

		clusterAsked({ verb, resource, status }: { readonly verb: string; readonly resource: string; readonly status?: number | undefined }) {
			metrics.clusterRequests.inc({ verb, resource, status: status === undefined ? 'none' : String(status) });
		},
		instancesSeen: (count: number) => metrics.instances.set(count),
		/** @param owner of pods: `ReplicaSet default/search-milvus-proxy-5d9c` */
		nodeIsEmpty: (node: string) => log.warn({ node }, `there is no pod on node ${printable(node)}: is that its name? (--node, NODE_NAME)`),
		ownerUnknown: (owner: string, reason: string) =>
			log.warn({ owner, reason }, `what ${owner} belongs to can't be found out, so labels are believed: ${printable(reason)}`),
		logUnavailable: (pod: string, container: string, reason: string) =>
			log.debug({ pod, container, reason }, `what ${container} of ${pod} wrote last can't be had: ${printable(reason)}`),
		logNotKept: (id: string, reason: string) =>
			log.warn({ id, reason }, `the log of a container that ended can't be kept: ${printable(reason)}`),
		killUnexplained: (pod: string, reason: string) =>
			log.debug({ pod, reason }, `why the kubelet ended a container of ${pod} is not known`),
		restartSeen(id: string, { association, restart }: Bodies['RestartEvent']) {
			const { namespace, pod, container, exitCode, reason, restartCount } = association;
			metrics.restarts.inc({ reason: reasonLabel(reason) });
			log.info(
				{ id, namespace, pod, container, exitCode, reason, restartCount, missed: restart.missed, panic: restart.panicLine },
				`container ${container} of ${namespace}/${pod} ended: ${reason || 'no reason given'}, exit code ${exitCode}`,
			);
		},

		journaldRead: (directory: string) => log.info({ directory }, "the host's journal is read"),
		journaldUnavailable: (reason: string) =>
			log.warn(`the host's journal can't be read, and cores are associated without it: ${printable(reason)}`),
		journaldGap(why: string, fromMs: number | undefined, toMs: number | undefined) {
			metrics.journaldGaps.inc();
			const [from, to] = [fromMs, toMs].map((at) => (at === undefined ? undefined : new Date(at).toISOString()));
			log.warn({ why, from, to }, "entries of the host's journal are missing: crashes of that time may have no record");
		},
		journaldSkipped: (why: string) => log.debug(`left out in the host's journal: ${why}`),
		recordDisbelieved: (why: string) => log.warn(`an entry in the host's journal claims to be of a core, and is not believed: ${why}`),
		coreLossNoted(words: string, advice: string) {
			metrics.coresLost.inc();
			log.warn({ advice }, `the host's journal tells of a lost core: ${words}`);
		},
		reportPublished(id: string, object: string) {
			metrics.published.inc();
			log.debug({ id, object }, `crash report published as ${object}`);
		},
		reportHomeless: (id: string, namespace: string) =>
			log.info({ id, namespace }, `crash report not published: its namespace ${namespace} is gone`),
		reportRefused(id: string, reason: string) {
			metrics.errors.inc({ component: 'publisher' });
			log.error({ id, reason }, `the API server refuses a crash report: ${printable(reason)}`);
		},
		eventRefused(kind: string, reason: string) {
			metrics.errors.inc({ component: 'publisher' });
			log.error({ reason }, `the API server refuses an Event ${kind}: ${printable(reason)}`);
		},

		/** This process leads, and goes on to. */
		leads(identity: string) {
			if (!isLeading) log.info({ identity }, `this agent leads as ${identity}`);
			isLeading = true;
			metrics.leader.set(1);
			setReady('leader', 'this agent leads');
		},
		/** @param holder who leads; empty: nobody */
		follows(holder: string) {
			const reason = holder === '' ? 'nobody leads yet' : `${printable(holder)} leads`;
			if (states.get('leader')?.reason !== reason) log.info({ holder }, reason);
			setReady('leader', reason);
			if (!isLeading) leaveToLeader();
		},
		leadershipEnded(reason: string) {
			isLeading = false;
			metrics.leader.set(0);
			log.info({ reason }, `this agent leads no longer: ${reason}`);
			leaveToLeader();
		},
		leadershipGivenBack: () => log.info('the lead is given back: another may take it at once'),
		expiryWorks: () => setReady('expiry', ''),
		/** @param why there is nothing to do for it, if so */
		retentionWorks: (why = '') => setReady('retention', why),
		reportExpired(object: string, why: 'age' | 'number', lastTime: Date) {
			metrics.expired.inc({ reason: why });
			log.info({ object, why, lastTime }, `crash report ${object} expired by its ${why === 'age' ? 'age' : 'number among others'}`);
		},
		reportNotExpired(object: string, reason: string) {
			metrics.errors.inc({ component: 'expiry' });
			log.error({ object, reason }, `crash report ${object} can't be deleted: ${printable(reason)}`);
		},

		/** @param why there is nothing to do for it, if so */
		cleanerWorks(why = '') {
			if (why !== '') metrics.cleanups.reset();
			setReady('cleaner', why);
		},
		cleanupsSeen(phases: readonly Phase[]) {
			for (const phase of allPhases) metrics.cleanups.set({ phase }, phases.filter((one) => one === phase).length);
		},
		/** @param object an InstanceCleanup */
		cleanupTurned(object: string, facts: Instance & { readonly phase: Phase; readonly reason: string }) {
			const { namespace, name: instance, kind, phase, reason } = facts;
			metrics.cleanupPhases.inc({ phase });
			log.warn(
				{ object, namespace, instance, kind, phase, reason },
				`cleanup of ${namespace}/${instance} is ${phase}: ${printable(reason)}`,
			);
		},
		/** For the audit: an instance is about to be touched. @param object an InstanceCleanup */
		removalBegins(object: string, { namespace, name: instance, ...facts }: Instance & Audited) {
			const saved = savedIn(facts);
			log.warn(
				{ audit: 'removal begins', object, namespace, instance, ...facts, saved },
				`${facts.by} removes ${namespace}/${instance}: ${printable(facts.why)}; what brings it back is in Secret ${saved ?? 'that was saved before'}`,
			);
		},
		removalEnds(
			object: string,
			{ namespace, name: instance, ...facts }: Instance & Audited & { readonly is: string; readonly words: string },
		) {
			metrics.removals.inc({ result: facts.is === 'failed' ? 'failed' : 'done' });
			const line = `${facts.by} has ${facts.is === 'failed' ? 'not removed' : 'removed'} ${namespace}/${instance}: ${printable(facts.words)}`;
			log.warn({ audit: 'removal ends', object, namespace, instance, ...facts, saved: savedIn(facts) }, line);
		},
		savedSwept: (count: number) => log.info({ count }, `${count} saved instances are deleted: they were saved too long ago`),
		cleanupEventRefused: (object: string, reason: string) =>
			log.warn({ object, reason }, `the API server refuses an Event of cleanup ${object}: ${printable(reason)}`),
		cleanupForgotten: (object: string) => log.info({ object }, `cleanup ${object} is deleted: it was settled long ago`),

		coreFound(id: string, path: string, sizeBytes: number) {
			metrics.discovered.inc();
			log.info({ id, path: printable(path), sizeBytes }, 'Found coredump file');
		},
		coreSkipped(path: string, reason: 'too old' | 'ignored' | 'not a core' | 'not of Milvus', detail: string) {
			metrics.skipped.inc({ reason });
			log.debug({ path: printable(path), reason, detail }, `file left alone: ${reason}`);
		},
		coreUnreadable(path: string, reason: string) {
			metrics.errors.inc({ component: 'collector' });
			log.warn({ path: printable(path), reason }, `core file can't be read: ${printable(reason)}`);
		},
		coreAwaited: (path: string, reason: string) => log.debug({ path: printable(path), reason }, 'core file is not complete yet'),

		analysisStarted(id: string, path: string) {
			metrics.analyses.inc();
			log.debug({ id, path: printable(path) }, 'analysis started');
		},
		analysisEnded(id: string, path: string, analysis: Analysis, durationMs: number) {
			(analysis.stack === 'none' ? metrics.analysesFailed : metrics.analysesSuccessful).inc();
			metrics.analysisDuration.observe(durationMs / 1000);
			const culprit = analysis.culprit ? placeName(analysis.culprit) : null;
			log.info(
				{
					id,
					signal: analysis.signal?.name,
					culprit,
					threads: analysis.threads.length,
					stack: analysis.stack,
					durationMs: Math.round(durationMs),
				},
				`analysed: ${printable(analysis.reason ?? 'no signal')}${culprit ? ` in ${printable(culprit)}` : ''}`,
			);
			for (const note of analysis.notes) log.debug({ id }, printable(note));
			if (!analysis.score) return;
			metrics.score.observe(analysis.score.total);
			log.info(scoreLine(printable(path), analysis.score));
		},
		analysisImpossible(id: string, path: string, reason: string) {
			metrics.analysesFailed.inc();
			log.warn({ id, path: printable(path), reason }, "core file can't be analysed");
		},

		coreStored(
			id: string,
			backend: string,
			{ location, sizeBytes, sha256 }: Readonly<{ location: string; sizeBytes: number; sha256: string }>,
		) {
			metrics.stored.inc({ backend });
			log.info({ id, location, sizeBytes, sha256 }, `stored ${formatBytes(sizeBytes)}`);
		},
		coreNotStored(id: string, reason: string) {
			metrics.skipped.inc({ reason: 'not stored' });
			log.info({ id }, `not stored: ${printable(reason)}`);
		},
		coreSampledOut(id: string, reason: string) {
			metrics.skipped.inc({ reason: 'sampled' });
			log.info({ id }, `not stored: ${printable(reason)}`);
		},
		coreLost(id: string, reason: string) {
			metrics.errors.inc({ component: 'storage' });
			log.warn({ id }, `core lost: ${printable(reason)}`);
		},
		storageFailed(id: string, backend: string, reason: string) {
			metrics.storageErrors.inc({ backend });
			log.debug({ id, reason }, 'storing failed');
		},
		coreDeleted(id: string, why: string, reason: string, sizeBytes: number) {
			metrics.deleted.inc({ reason: why });
			log.info({ id, why, sizeBytes }, `stored core ${reason}`);
		},
		/** By who clears a store that several share. */
		deletionNoticed: (id: string, reason: string) => log.info({ id }, `stored core was ${reason}`),
		/** What all files of the store take: measured at the start, then by each that is put. */
		storeMeasured: (sizeBytes: number) => metrics.storageSize.set({ backend: 'local' }, sizeBytes),
		storeGrew: (bytes: number) => metrics.storageSize.inc({ backend: 'local' }, bytes),
		originalRemoved: (id: string, path: string) => log.info({ id, path: printable(path) }, 'original core file removed'),
		originalKept: (id: string, path: string, reason: string) => log.warn({ id, path: printable(path), reason }, 'original core file kept'),

		/** @param call of which nothing that is secret is in it */
		modelCalled(call: ModelCall) {
			const name = `${apiNames[call.service]} API`;
			if (call.is === 'request') {
				log.debug(call, `${name} request: ${call.method} ${printable(call.address)}, ${call.sizeBytes} bytes`);
				return;
			}
			metrics.modelCalls.inc({ service: call.service, outcome: call.outcome });
			log.debug(call, `${name} response: ${call.status ?? 'none'} after ${call.ms} ms: ${call.outcome}`);
		},
		debuginfodCalled(call: { readonly address: string; readonly kind: string; readonly outcome: string; readonly ms: number }) {
			metrics.debuginfodCalls.inc({ outcome: call.outcome });
			log.debug(call, `debuginfod ${printable(call.address)}: ${call.kind}, ${call.outcome} after ${call.ms} ms`);
		},
		modelSpent(usage: Usage, cost = 0) {
			metrics.modelTokens.inc({ direction: 'in' }, usage.in);
			metrics.modelTokens.inc({ direction: 'out' }, usage.out);
			metrics.modelCost.inc(cost);
		},
		/** @param left undefined: there are no limits */
		budgetLeft(left: { readonly money: number; readonly questions: number } | undefined) {
			if (!left) return metrics.modelBudget.reset();
			metrics.modelBudget.set({ of: 'money' }, left.money);
			metrics.modelBudget.set({ of: 'questions' }, left.questions);
		},
		budgetUnknown: (reason: string) => log.error({ reason }, `no model is asked until its budget is known: ${printable(reason)}`),
		budgetUnsettled: (reason: string) =>
			log.warn({ reason }, `what a model has cost can't be written down, and the most that it may have cost counts: ${printable(reason)}`),
		modelIsOff: () => setReady('opinion', 'no model is asked (aiAnalysis.enabled)'),
		/** Whether the model's service is asked. That it is not keeps nothing else from working. */
		modelIs(state: BreakerState, now: number) {
			for (const is of ['closed', 'open', 'stopped'] as const) metrics.modelBreaker.set({ state: is }, state.is === is ? 1 : 0);
			const reason = state.is === 'closed' ? '' : state.reason;
			if (states.get('opinion')?.reason !== reason && reason !== '') {
				const next =
					state.is === 'open' ? `it is asked again in ${formatSpan(state.until - now)}` : 'until that is changed it is asked once an hour';
				log.error({ reason }, `no AI analysis for now: ${printable(reason)}; ${next}`);
			}
			setReady('opinion', reason);
		},
		opinionGiven(
			id: string,
			{
				usage,
				durationMs,
				...facts
			}: {
				readonly provider: string;
				readonly model: string;
				readonly usage: Usage;
				readonly cost?: number;
				readonly durationMs: number;
			},
		) {
			metrics.opinions.inc({ result: 'given' });
			log.info({ id, ...facts, tokens: usage, durationMs: Math.round(durationMs) }, 'AI analysis completed');
		},
		opinionRemembered(id: string) {
			metrics.opinions.inc({ result: 'remembered' });
			log.info({ id }, 'AI analysis taken from an earlier crash of the same bug and image');
		},
		opinionNotAvailable(id: string, reason: string) {
			metrics.opinions.inc({ result: 'not available' });
			log.warn({ id, reason }, `AI analysis: not available (${printable(reason)})`);
		},

		workSettled(stage: string, key: string) {
			log.debug({ stage, id: key }, 'settled');
		},
		crashSettled() {
			metrics.processed.inc();
			metrics.lastProcessed.setToCurrentTime();
		},
		/** @param retries how often it was put off before: many cores may wait for one disk, and each tells so once */
		workPutOff(stage: string, key: string, reason: string, retries: number) {
			metrics.retries.inc({ component: stage });
			log[retries === 0 ? 'warn' : 'debug']({ stage, id: key }, `${stage} tries again later: ${printable(reason)}`);
		},
		workRejected(stage: string, key: string, reason: string) {
			metrics.errors.inc({ component: stage });
			log.error({ stage, id: key }, `${stage} gave up: ${printable(reason)}`);
		},
		workFailed(stage: string, key: string, error: unknown) {
			metrics.errors.inc({ component: stage });
			log.error({ stage, id: key, err: error }, `unexpected error in ${stage}`);
		},
	};
}

const apiNames: Readonly<Record<ModelService, string>> = { glm: 'GLM', openai: 'OpenAI', 'openai-compatible': 'model' };

const leftToLeader = 'left to who leads';

/** The kubelet's reasons are few, but a runtime may send its own. */
const reasonLabel = (reason: string | undefined) => (reason === 'Error' || reason === 'OOMKilled' ? reason : 'other');

const savedIn = ({ saved }: Pick<Audited, 'saved'>) => saved && `${saved.namespace}/${saved.name}`;
