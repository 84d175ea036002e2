import type { ServiceError } from './error.ts';
import { jsonObject, type Parameters, type Service } from './service.ts';

/** What a service turned out to want otherwise than it is asked at first, remembered for as long as this lives. */
export type Habits = {
	/** The parameters as the service wants them. */
	adapt(parameters: Parameters): Parameters;
	/**
	 * Learns from an error that names a parameter which was sent.
	 *
	 * @returns whether the same question is another request now
	 */
	learn(service: Service, error: ServiceError, sent: Parameters): boolean;
	/** In words: `no temperature`. */
	readonly learnt: readonly string[];
};

/** One thing that is sent otherwise. */
type Change = { readonly words: string; readonly make: (parameters: Parameters) => Parameters };

export function habits(): Habits {
	const changes = new Map<string, Change>();
	return {
		adapt: (parameters) => [...changes.values()].reduce((rest, { make }) => make(rest), parameters),
		learn(service, error, sent) {
			const isAboutParameter = ['bad request', undefined].includes(service.classOf(error)) && service.isAboutParameter(error);
			const name = isAboutParameter ? namedIn(error, sent) : undefined;
			const change = name === undefined ? undefined : changeOf(name, sent);
			if (change === undefined) return false;
			changes.set(change.words, change);
			return true;
		},
		get learnt() {
			return [...changes.keys()];
		},
	};
}

/** The first that it names; `response_format.type` is about `response_format`. */
function namedIn({ param, message }: ServiceError, sent: Parameters): string | undefined {
	const named = param?.split(/[.[]/, 1)[0];
	if (named !== undefined && Object.hasOwn(sent, named)) return named;
	const said = message.slice(0, 2000);
	const words = new Set(said.match(/\w+/g));
	const found = Object.keys(sent).find((name) => words.has(name));
	return found ?? (isSchema(sent.response_format) && madeOfSchema.test(said) ? 'response_format' : undefined);
}

/** llama.cpp's server, and what is built on it (Ollama, LM Studio), say so: `JSON schema conversion failed`, `failed to parse grammar`. */
const madeOfSchema = /\bjson[ _]schema\b|\bgrammar\b/i;

/** @returns undefined where nothing else can be sent: the limit of the answer is never left out, it is what a question may cost */
function changeOf(name: string, sent: Parameters): Change | undefined {
	if (name === 'max_completion_tokens') return undefined;
	if (name === 'max_tokens') return newerLimit;
	if (name === 'response_format' && isSchema(sent.response_format)) return anyObject;
	return { words: `no ${name}`, make: ({ [name]: _, ...rest }) => rest };
}

const newerLimit: Change = {
	words: 'max_completion_tokens for max_tokens',
	make: ({ max_tokens, ...rest }) => (max_tokens === undefined ? rest : { ...rest, max_completion_tokens: max_tokens }),
};

const anyObject: Change = {
	words: 'json_object for json_schema',
	make: (parameters) => (isSchema(parameters.response_format) ? { ...parameters, response_format: jsonObject } : parameters),
};

const isSchema = (form: unknown) => typeof form === 'object' && form !== null && 'type' in form && form.type === 'json_schema';
