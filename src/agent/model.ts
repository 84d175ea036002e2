import { hostname } from 'node:os';
import { defined } from '../base/defined.ts';
import { type Models, mostCalls, type OpinionOptions, questionOf, requestOf } from '../components/opinion/opinion.ts';
import type { Config } from '../config/config.ts';
import type { ModelCall, ModelProvider } from '../domain/model-provider.ts';
import type { CrashReport } from '../domain/report.ts';
import { keyMark, type ModelOptions, modelProvider, shownRequest } from '../drivers/models/models.ts';

/** The model that the configuration names. @param onCall told of each request and each answer */
export const modelOf = (config: Config['aiAnalysis'], onCall: (call: ModelCall) => void = () => {}): ModelProvider =>
	modelProvider({ ...modelOptions(config), onCall });

const modelOptions = ({ provider, model, baseURL, apiKey, apiKeyFile, timeout }: Config['aiAnalysis']): ModelOptions => ({
	service: provider,
	model,
	...defined({ baseURL, apiKey, apiKeyFile }),
	timeoutMs: timeout,
});

/** What would be sent about a crash, and where to; nothing is sent. */
export const requestAbout = (report: CrashReport, config: Config['aiAnalysis']) =>
	shownRequest(modelOptions(config), questionOf(requestOf(report, { allows: allowedIn(config) }), config));

/** @returns undefined where no model is to be asked */
export function modelsOf(config: Config['aiAnalysis'], onCall: (call: ModelCall) => void): Models | undefined {
	if (!config.enabled) return undefined;
	const { provider: service, apiKey, apiKeyFile } = config;
	const usual = modelOf(config, onCall); // it remembers which parameters the service does not take
	return {
		provider: (model = config.model) => (model === config.model ? usual : modelOf({ ...config, model }, onCall)),
		keyMark: () => keyMark({ service, ...defined({ apiKey, apiKeyFile }) }),
	};
}

/** What may be told to a model besides what every request has. */
const allowedIn = ({ allow }: Config['aiAnalysis']): OpinionOptions['allows'] => new Set(allow);

/** @param node of the cluster whose nodes share the budget; undefined: a machine by itself */
export function opinionOptions(config: Config['aiAnalysis'], node: string | undefined): OpinionOptions {
	const { timeout, language, maxTokens, temperature, analyzeSkipped, enableCostControl, maxCostPerMonth, maxAnalysisPerHour, pricing } =
		config;
	return {
		language,
		maxTokens,
		temperature,
		analyzeSkipped,
		allows: allowedIn(config),
		limits: enableCostControl
			? { maxCostPerMonth, maxPerHour: maxAnalysisPerHour, ...(node === undefined && { isAlone: true }) }
			: undefined,
		priceOf: (model) => (Object.hasOwn(pricing, model) ? pricing[model] : undefined),
		party: node ?? hostname(),
		mostMs: mostCalls * timeout + 60_000,
	};
}
