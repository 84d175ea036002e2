import type { Reply } from '../../domain/model-provider.ts';
import { readAnswer } from './answer.ts';
import { readError } from './error.ts';
import type { Exchanged } from './exchange.ts';
import { type Asked, failed, failedBy } from './failure.ts';

/** What came back, as what it means. */
export function replyOf(came: Exchanged, asked: Asked): Reply {
	if (came.is === 'too large') return failed('broken answer', came.words, asked);
	if (came.is !== 'answered') return failed(came.is, came.words, asked);
	const { status, headers, text } = came;
	if (status >= 300 && status < 400) return failed('address', redirection(status, headers), asked);
	const body = parsed(text);
	if (status < 300)
		return body === undefined
			? failed('broken answer', `HTTP ${status}, and ${kindOf(text)}`, asked)
			: readAnswer(body, status, headers, asked);
	return failedBy(readError(status, body) ?? { status, message: kindOf(text) }, headers, asked);
}

/** Following it would show the key to somebody else. */
function redirection(status: number, headers: Headers): string {
	const to = headers.get('location') ?? '';
	if (!URL.canParse(to)) return `HTTP ${status}`;
	const { origin, pathname } = new URL(to);
	return `HTTP ${status} leads to ${origin}${pathname}, which is not followed`;
}

/** @returns undefined for what is no JSON */
export function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined; // proxies on the way have texts of their own
	}
}

function kindOf(text: string): string {
	const start = text.trimStart().slice(0, 200);
	if (start === '') return 'nothing is in it';
	if (start.startsWith('<')) return 'a page for people';
	return /^(data|event|id|retry):/.test(start) ? 'a stream of events, which was not asked for' : `no JSON: ${start}`;
}
