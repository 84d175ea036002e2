import { defined } from '../../base/defined.ts';
import type { FailureClass, Question } from '../../domain/model-provider.ts';
import type { ServiceError } from './error.ts';
import { jsonObject, type Service } from './service.ts';

/** Source: https://platform.openai.com/docs/guides/error-codes */
export const openai: Service = {
	kind: 'openai',
	name: 'OpenAI',
	baseURL: 'https://api.openai.com/v1/chat/completions',
	needsKey: true,
	keyVariable: 'OPENAI_API_KEY',
	parameters: (question) => parameters(question, formOf(question)),
	classOf,
	isAboutParameter: ({ status, code = '', param }) =>
		status === 400 && (['unsupported_parameter', 'unsupported_value'].includes(code) || param !== undefined),
};

/**
 * Whoever answers in OpenAI's form: DeepSeek, Qwen (DashScope), Moonshot; vLLM, Ollama, llama.cpp's server, which cost nothing and want no key. What a
 * parameter that they do not know is called stands in the message, if anywhere.
 */
export const compatible: Service = {
	kind: 'openai-compatible',
	name: 'the service',
	needsKey: false,
	parameters: (question) => parameters(question, formOf(question)),
	classOf,
	isAboutParameter: ({ status }) => status === 400 || status === 422,
};

const parameters = ({ maxTokens, temperature }: Question, form: object | undefined) =>
	defined({ max_tokens: Math.max(1, maxTokens), temperature, response_format: form });

function formOf({ wantsJson, schema }: Question): object | undefined {
	if (!wantsJson) return undefined;
	return schema === undefined ? jsonObject : { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

function classOf({ code = '', type = '', message, status }: ServiceError): FailureClass | undefined {
	const known = classes.get(code) ?? classes.get(type);
	if (known !== undefined) return known;
	if (status >= 500) return undefined;
	if (tooLong.test(message)) return 'too long';
	return status === 404 && /\bmodel\b/i.test(message) ? 'model' : undefined;
}

/** In `code`, or in `type` where a service has no codes. */
const classes = new Map<string, FailureClass>([
	['invalid_api_key', 'key'],
	['insufficient_quota', 'money'],
	['billing_hard_limit_reached', 'money'],
	['billing_not_active', 'money'],
	['rate_limit_exceeded', 'pace'],
	['model_not_found', 'model'],
	['context_length_exceeded', 'too long'],
	['content_filter', 'blocked'],
	['content_policy_violation', 'blocked'],
	['server_error', 'service error'],
	// llama.cpp's server
	['exceed_context_size_error', 'too long'],
	// Moonshot: https://platform.kimi.com/docs/api/errors
	['exceeded_current_quota_error', 'money'],
	['rate_limit_reached_error', 'pace'],
	['engine_overloaded_error', 'busy'],
	// DashScope: https://help.aliyun.com/zh/model-studio/error-code
	['Arrearage', 'money'],
	['data_inspection_failed', 'blocked'],
	['DataInspectionFailed', 'blocked'],
]);

/** vLLM and others have no code for it. */
const tooLong = /maximum context length|context (length|window|size)|exceeded model token limit|token length too long/i;
