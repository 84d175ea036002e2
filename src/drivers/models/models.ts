/**
 * The door to services that run language models.
 *
 * To add one whose form is OpenAI's, nothing is to be written: it is `openai-compatible` at another address. One that differs gets
 * 1. a name in `modelServices` (`domain/model-provider.ts`), which the configuration offers as `aiAnalysis.provider`;
 * 2. a file here with its `Service`: address, parameters, and what its errors mean, by their codes. `glm.ts` is an example. A meaning that is not
 *    among the failure classes is a new one there, with what helps, and with words in `failure.ts`;
 * 3. a line in `services`, below;
 * 4. in `test/support/model-server.ts` what its documentation says that it refuses, and in `test/drivers/models.test.ts` the contract suite over it,
 *    with a row for each of its errors.
 */
import { createHash } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import type { ModelCall, ModelProvider, ModelService, Question } from '../../domain/model-provider.ts';
import { addressOf } from './address.ts';
import { asking, bodyOf } from './asking.ts';
import { failed } from './failure.ts';
import { glm } from './glm.ts';
import { type KeySource, readKey } from './key.ts';
import { compatible, openai } from './openai.ts';
import type { Service } from './service.ts';

const services: Readonly<Record<ModelService, Service>> = { glm, openai, 'openai-compatible': compatible };

/** `aiAnalysis` of the configuration. */
export type ModelOptions = KeySource & {
	readonly service: ModelService;
	readonly model: string;
	/**
	 * Of the service, or of a way to it: with or without `/chat/completions`. Absent: the service's own. A proxy that the environment names is used where
	 * NODE_USE_ENV_PROXY is 1.
	 */
	readonly baseURL?: string;
	/** For a whole question. */
	readonly timeoutMs: number;
	readonly userAgent?: string;
	/** Told of each request and each answer. */
	readonly onCall?: (call: ModelCall) => void;
};

export function modelProvider(options: ModelOptions): ModelProvider {
	const { model, baseURL } = options;
	const service = services[options.service];
	const address = addressOf(baseURL ?? service.baseURL ?? '');
	if ('problem' in address) {
		const reply = failed('address', address.problem, { service, model, shown: 'what is configured', key: undefined });
		const ask: ModelProvider['ask'] = async (_, signal) => {
			signal.throwIfAborted();
			return reply;
		};
		return { service: service.kind, model, ask };
	}
	return { service: service.kind, model, ask: asking(service, address, { ...options, ...keySource(options) }) };
}

/** What would be sent for a question, and where to, without sending it: the service may then want it otherwise in what is beside model and messages. */
export function shownRequest({ service: kind, model, baseURL }: ModelOptions, question: Question) {
	const service = services[kind];
	const address = addressOf(baseURL ?? service.baseURL ?? '');
	return {
		address: 'problem' in address ? undefined : address.shown,
		body: bodyOf(model, question, service.parameters(question)),
	};
}

/** Another text when the key that is used next is another; nothing of the key can be told from it. */
export async function keyMark(options: Pick<ModelOptions, 'service' | keyof KeySource>): Promise<string> {
	return createHash('sha256')
		.update(JSON.stringify(await readKey(keySource(options))))
		.digest('hex');
}

/** What is configured, else what the environment has. */
function keySource({ service, apiKey, apiKeyFile }: Pick<ModelOptions, 'service' | keyof KeySource>): KeySource {
	if (apiKey !== undefined) return { apiKey };
	if (apiKeyFile !== undefined) return { apiKeyFile };
	const { keyVariable } = services[service];
	return defined({ apiKey: keyVariable === undefined ? undefined : process.env[keyVariable] });
}
