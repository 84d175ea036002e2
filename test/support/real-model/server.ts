/**
 * A program: server.ts FOLDER MODEL. It has a small language model answer in OpenAI's form on a port of its own, which it prints, until its input ends.
 * Errors are those of llama.cpp's server (tools/server/README.md there), which serves one model under any name; the one for a wrong name is vLLM's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anyObject, grammarOf, type Schema, Unsupported } from './grammar.ts';
import { llamaIn, type Message, TooLong, type Wish } from './llama.ts';

type Body = {
	readonly model?: string;
	readonly messages?: readonly Message[];
	readonly max_tokens?: number;
	readonly temperature?: number;
	readonly response_format?: { readonly type?: string; readonly json_schema?: { readonly schema?: Schema } };
};

/** An error in OpenAI's form. */
class Refused extends Error {
	readonly code: number;
	readonly type: string;
	constructor(code: number, type: string, message: string) {
		super(message);
		this.code = code;
		this.type = type;
	}
}

const [, , folder = '', model = ''] = process.argv;
const write = await llamaIn(folder);
let last: Promise<unknown> = Promise.resolve();
let inHand = 0;

const server = createServer((request, response) => {
	answerTo(request, response).then(
		(answer) => give(response, 200, answer),
		(error: Error) => {
			const { code, type, message } = error instanceof Refused ? error : new Refused(500, 'server_error', error.message);
			give(response, code, { error: { code, message, type } });
		},
	);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.stdin.resume().on('end', () => process.exit());

function give(response: ServerResponse, status: number, body: object): void {
	if (!response.destroyed) response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<object> {
	switch (`${request.method} ${request.url}`) {
		case 'POST /v1/chat/completions': {
			const gone = new AbortController();
			response.on('close', () => gone.abort());
			return completed(await bodyOf(request), gone.signal);
		}
		case 'GET /slots':
			return [{ id: 0, is_processing: inHand > 0 }];
		default:
			throw new Refused(404, 'not_found_error', 'File Not Found');
	}
}

async function completed(body: Body, signal: AbortSignal): Promise<object> {
	if (body.model !== model) throw new Refused(404, 'NotFoundError', `The model \`${body.model}\` does not exist.`);
	const { messages } = body;
	if (!Array.isArray(messages)) throw new Refused(400, 'invalid_request_error', "'messages' is required");
	const wish = wishOf(body);
	const { text, isCut, inTokens, outTokens } = await oneAtATime(() => write(messages, wish, signal)).catch((error) => {
		throw error instanceof TooLong ? new Refused(400, 'exceed_context_size_error', error.message) : error;
	});
	return {
		id: `chatcmpl-${crypto.randomUUID()}`,
		object: 'chat.completion',
		created: Math.floor(Date.now() / 1000),
		model,
		choices: [{ index: 0, finish_reason: isCut ? 'length' : 'stop', message: { role: 'assistant', content: text } }],
		usage: { prompt_tokens: inTokens, completion_tokens: outTokens, total_tokens: inTokens + outTokens },
	};
}

function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
	inHand++;
	const mine = last.then(work).finally(() => inHand--);
	last = mine.catch(() => {}); // whoever waits for it hears of it
	return mine;
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
	const pieces: Buffer[] = [];
	for await (const piece of request) pieces.push(piece);
	try {
		return JSON.parse(Buffer.concat(pieces).toString());
	} catch (error) {
		throw new Refused(400, 'invalid_request_error', (error as Error).message);
	}
}

function wishOf({ max_tokens: maxTokens = 200, temperature = 0.8, response_format: form }: Body): Wish {
	const wish = { maxTokens, temperature };
	switch (form?.type) {
		case undefined:
		case 'text':
			return wish;
		case 'json_object':
			return { ...wish, grammar: anyObject };
		case 'json_schema':
			return { ...wish, grammar: grammarFor(form.json_schema?.schema ?? {}) };
		default:
			throw new Refused(
				400,
				'invalid_request_error',
				`response_format type must be one of "text" or "json_object", but got: ${form?.type}`,
			);
	}
}

function grammarFor(schema: Schema): string {
	try {
		return grammarOf(schema);
	} catch (error) {
		if (!(error instanceof Unsupported)) throw error;
		throw new Refused(400, 'invalid_request_error', `JSON schema conversion failed:\nUnrecognized schema: ${error.message}`);
	}
}
