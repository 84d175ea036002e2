import { printable } from '../../base/printable.ts';
import { type Failed, type FailureClass, retryOf, type Usage } from '../../domain/model-provider.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { quotaBack, retryAfter } from './again.ts';
import type { ServiceError } from './error.ts';
import { masked, withoutKey } from './key.ts';
import type { Service } from './service.ts';

/** Who was asked, for words. */
export type Asked = { readonly service: Service; readonly model: string; readonly shown: string; readonly key: string | undefined };

/** @param said what the service says, or what else is known; anything may be in it */
export function failed(
	name: FailureClass,
	said: string,
	asked: Asked,
	more: { readonly retryAt?: EpochMs; readonly usage?: Usage } = {},
): Failed {
	const detail = oneLine(withoutKey(said, asked.key));
	return {
		is: 'failed',
		class: name,
		retry: retryOf[name],
		...more,
		words: `${wordsOf(name, asked)}${detail === '' ? '' : `: ${detail}`}`,
	};
}

/** An error of the service, by its code, and only where that is not known by the HTTP status. */
export function failedBy(error: ServiceError, headers: Headers, asked: Asked): Failed {
	const name = asked.service.classOf(error) ?? classOfStatus(error.status);
	const now = Date.now();
	return failed(
		name,
		saidBy(error),
		asked,
		retryOf[name] !== 'later' ? {} : name === 'quota' ? quotaBack(headers, error, now) : retryAfter(headers, now),
	);
}

/** Where there is no code, or none that is known. */
function classOfStatus(status: number): FailureClass {
	switch (status) {
		case 401:
		case 403:
			return 'key';
		case 402:
			return 'money';
		case 404:
		case 405:
			return 'address';
		case 407:
			return 'unreachable';
		case 408:
		case 504:
			return 'timeout';
		case 413:
			return 'too long';
		case 429:
			return 'pace';
		case 503:
		case 529:
			return 'busy';
		default:
			if (status >= 500) return 'service error';
			if (status >= 400) return 'bad request';
			return status >= 300 ? 'address' : 'service error';
	}
}

function saidBy({ status, code, type, message }: ServiceError): string {
	const name = code ?? type;
	return `HTTP ${status}${name === undefined || name === String(status) ? '' : `, ${name}`}${message === '' ? '' : `: ${message}`}`;
}

function wordsOf(name: FailureClass, { service, model, shown, key }: Asked): string {
	switch (name) {
		case 'key':
			return key === undefined
				? `${service.name} wants a key (aiAnalysis.apiKey or apiKeyFile${service.keyVariable ? `, or ${service.keyVariable} in the environment` : ''})`
				: `${service.name} does not accept the key ${masked(key)} (aiAnalysis.apiKey or apiKeyFile${service.keyVariable ? `, or ${service.keyVariable} in the environment` : ''})`;
		case 'money':
			return `the account at ${service.name} has no money left or is locked`;
		case 'model':
			return `${service.name} has no model ${oneLine(model)} for this account (aiAnalysis.model)`;
		case 'address':
			return `there is no such service at ${shown} (aiAnalysis.baseURL)`;
		case 'pace':
			return `${service.name} is asked too often`;
		case 'busy':
			return `${service.name} has too much to do`;
		case 'quota':
			return `the quota at ${service.name} is used up`;
		case 'too long':
			return 'the question is too long for the model';
		case 'used up':
			return 'the longest answer was reached before it began (aiAnalysis.maxTokens)';
		case 'blocked':
			return `${service.name} does not answer this question`;
		case 'bad request':
			return `${service.name} does not understand the request`;
		case 'unreachable':
			return `no connection to ${shown}`;
		case 'timeout':
			return `no answer from ${shown}`;
		case 'broken answer':
			return `what ${service.name} answers can't be read`;
		case 'service error':
			return `${service.name} has an error of its own`;
		default:
			return name satisfies never;
	}
}

const mostCharacters = 300;
const oneLine = (text: string) => {
	// Cut before it is looked at as a whole: it may be a megabyte.
	const line = printable(
		text
			.slice(0, 4 * mostCharacters)
			.trim()
			.replaceAll(/\s+/g, ' '),
	);
	return line.length > mostCharacters ? `${line.slice(0, mostCharacters)}…` : line;
};
