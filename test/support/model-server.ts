/**
 * A stand-in for services that run language models, which can't be had in a test. It is written from their documentation (docs.bigmodel.cn,
 * platform.openai.com), refuses what they refuse, and answers with what their models would be: form without sense.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Door } from './kubernetes/door.ts';

/** `openai` is an older model, `newer openai` one that reasons; `local` a server like llama.cpp's, which wants no key. */
export type Rules = 'glm' | 'openai' | 'newer openai' | 'local';

export const serverKey = 'test0123456789ab.secret9876543210';
export const serverModel = 'glm-4.5-flash';

type Body = {
	readonly model?: unknown;
	readonly messages?: readonly { readonly role: string; readonly content: string }[];
	readonly [parameter: string]: unknown;
};

/** One request, as it came. */
export type Asked = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Body };

export type Answer = {
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
	/** What is no text and no bytes is sent as JSON. */
	readonly body?: unknown;
	/** Instead of the end of the answer: nothing more comes; the connection is cut; the body goes on for ever, or bit by bit. */
	readonly ending?: 'silence' | 'cut' | 'flood' | 'drip';
	/** Not even the head comes. */
	readonly isSilent?: true;
};

export type ModelServer = AsyncDisposable & {
	/** Of the server alone; the path is that of the service. */
	readonly origin: string;
	readonly baseURL: string;
	/** What was asked since the last time. */
	asked(): readonly Asked[];
	/** The next requests are answered so, each once, whatever they are. */
	next(...answers: readonly Answer[]): void;
	/** From now on every request is answered so. */
	always(answer: Answer): void;
	/** How many requests are still waited for. */
	inHand(): number;
};

const paths = {
	glm: '/api/paas/v4/chat/completions',
	openai: '/v1/chat/completions',
	'newer openai': '/v1/chat/completions',
	local: '/v1/chat/completions',
} as const satisfies Record<Rules, string>;

/** @param door where pods of a node come in; else it listens on the loopback */
export async function modelServer(rules: Rules, door?: Door): Promise<ModelServer> {
	const asked: Asked[] = [];
	const planned: Answer[] = [];
	const seenIds = new Set<unknown>();
	let standing: Answer | undefined;
	let inHand = 0;
	const server = createServer(async (request, response) => {
		const pieces: Buffer[] = [];
		for await (const piece of request) pieces.push(piece);
		const one = { path: request.url ?? '', headers: request.headers, body: JSON.parse(Buffer.concat(pieces).toString()) as Body };
		asked.push(one);
		inHand++;
		response.on('close', () => inHand--);
		give(response, planned.shift() ?? standing ?? answerOf(rules, one, seenIds));
	});
	if (door) server.listen(door.socket);
	else server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const origin = `http://${door?.address ?? `127.0.0.1:${(server.address() as AddressInfo).port}`}`;
	return {
		origin,
		baseURL: `${origin}${paths[rules]}`,
		asked: () => asked.splice(0),
		next: (...answers) => void planned.push(...answers),
		always(answer) {
			standing = answer;
		},
		inHand: () => inHand,
		async [Symbol.asyncDispose]() {
			server.close();
			server.closeAllConnections();
			await once(server, 'close');
		},
	};
}

function give(response: ServerResponse, { status = 200, headers = {}, body = '', ending, isSilent }: Answer): void {
	response.on('error', () => {}); // whoever asked is gone
	if (isSilent) return;
	const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
	response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
	if (ending === undefined) return void response.end(bytes);
	response.write(bytes === '' ? ' ' : bytes);
	if (ending === 'cut') setImmediate(() => response.socket?.destroy());
	if (ending === 'flood') flood(response);
	if (ending === 'drip') {
		const timer = setInterval(() => response.write(' '), 10);
		response.on('close', () => clearInterval(timer));
	}
}

function flood(response: ServerResponse): void {
	const piece = Buffer.alloc(65_536, ' ');
	const more = () => {
		while (!response.destroyed && response.write(piece));
	};
	response.on('drain', more);
	more();
}

function answerOf(rules: Rules, asked: Asked, seenIds: Set<unknown>): Answer {
	if (asked.path.split('?')[0] !== paths[rules]) return { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>404</html>' };
	if (rules === 'glm') return glmRefusal(asked, seenIds) ?? completion(asked.body, { reasons: !isOff(asked.body.thinking) });
	if (rules === 'local') return localRefusal(asked) ?? completion(asked.body, { wraps: true });
	return openaiRefusal(rules, asked) ?? completion(asked.body, {});
}

const isOff = (thinking: unknown) => JSON.stringify(thinking) === '{"type":"disabled"}';

/** Each with its HTTP status. */
export const glmError = (status: number, code: string | number, message = 'API 调用参数有误，请检查文档。'): Answer => ({
	status,
	body: { error: { code, message }, request_id: '20261130000000abcdef' },
});

export const openaiError = (status: number, code: string | null, message: string, param: string | null = null): Answer => ({
	status,
	body: { error: { message, type: status === 429 ? String(code) : 'invalid_request_error', param, code } },
});

const glmParameters = 'model messages stream temperature top_p max_tokens stop response_format thinking request_id user_id'.split(' ');

function glmRefusal({ headers, body }: Asked, seenIds: Set<unknown>): Answer | undefined {
	if (headers.authorization === undefined) return glmError(401, '1001', 'Header中未收到Authorization参数，无法进行身份验证。');
	if (headers.authorization !== `Bearer ${serverKey}`) return glmError(401, '1000', '身份验证失败。');
	if (body.model !== serverModel) return glmError(400, '1211', '模型不存在，请检查模型代码。');
	const unknown = Object.keys(body).find((name) => !glmParameters.includes(name));
	if (unknown !== undefined) return glmError(400, '1210', `API 调用参数有误：${unknown}`);
	const roles = (body.messages ?? []).map(({ role }) => role);
	if (!roles.includes('user')) return glmError(400, '1210', 'messages 参数非法');
	if (!isBetween(body.temperature, 0, 1)) return glmError(400, '1210', 'temperature 参数非法');
	if (!isBetween(body.max_tokens, 1, 131_072)) return glmError(400, '1210', 'max_tokens 参数非法');
	if (body.response_format !== undefined && typeOf(body.response_format) !== 'json_object')
		return glmError(400, '1210', 'response_format 参数非法');
	if (seenIds.has(body.request_id)) return glmError(400, '1210', 'request_id 重复');
	seenIds.add(body.request_id);
	return undefined;
}

function openaiRefusal(rules: Rules, { headers, body }: Asked): Answer | undefined {
	if (headers.authorization !== `Bearer ${serverKey}`)
		return openaiError(401, 'invalid_api_key', `Incorrect API key provided: ${headers.authorization?.slice(7)}.`);
	if (body.model !== serverModel)
		return openaiError(404, 'model_not_found', `The model \`${body.model}\` does not exist or you do not have access to it.`);
	if (rules === 'newer openai' && body.max_tokens !== undefined)
		return openaiError(
			400,
			'unsupported_parameter',
			"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
			'max_tokens',
		);
	if (rules === 'newer openai' && (body.temperature ?? 1) !== 1)
		return openaiError(400, 'unsupported_value', "Unsupported value: 'temperature' does not support 0.3 with this model.", 'temperature');
	if (rules === 'openai' && typeOf(body.response_format) === 'json_schema')
		return openaiError(
			400,
			null,
			"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
			'response_format',
		);
	const words = (body.messages ?? []).map(({ content }) => content).join(' ');
	if (typeOf(body.response_format) === 'json_object' && !/json/i.test(words))
		return openaiError(400, null, "'messages' must contain the word 'json' in some form.", 'messages');
	return undefined;
}

function localRefusal({ body }: Asked): Answer | undefined {
	if (body.model !== serverModel)
		return { status: 404, body: { error: { code: 404, message: `model '${body.model}' not found`, type: 'not_found_error' } } };
	if (JSON.stringify(body.messages).length > 20_000)
		return {
			status: 400,
			body: { error: { code: 400, message: 'the request exceeds the available context size', type: 'exceed_context_size_error' } },
		};
	return undefined;
}

const isBetween = (value: unknown, least: number, most: number) => typeof value === 'number' && value >= least && value <= most;
const typeOf = (form: unknown) => (form as { readonly type?: string } | undefined)?.type;

/** What a model wrote, in the form of all of them. */
export const written = (content: unknown, more: object = {}, message: object = {}): Answer => ({
	body: {
		id: '1',
		request_id: '1',
		created: 1_764_000_000,
		model: serverModel,
		choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content, ...message }, ...more }],
		usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
	},
});

/** An answer of numbers in words where one is to count, else an object; a token is a word. */
function completion(body: Body, { reasons = false, wraps = false }: { readonly reasons?: boolean; readonly wraps?: boolean }): Answer {
	const limit = Number(body.max_tokens ?? body.max_completion_tokens ?? Number.POSITIVE_INFINITY);
	const question = body.messages?.at(-1)?.content ?? '';
	const whole = /count/i.test(question) ? Array.from({ length: 500 }, (_, index) => `number${index + 1}`).join(' ') : '{"color": "blue"}';
	const wrapped = wraps ? `<think>It is a question.</think>\n\`\`\`json\n${whole}\n\`\`\`` : whole;
	const tokens = wrapped.split(' ');
	// Thoughts come first, and are counted.
	const content = reasons ? '' : tokens.slice(0, limit).join(' ');
	const isCut = reasons || tokens.length > limit;
	const answer = written(content, { finish_reason: isCut ? 'length' : 'stop' }, reasons ? { reasoning_content: 'Hmm.' } : {});
	const usage = { prompt_tokens: question.split(' ').length, completion_tokens: Math.min(tokens.length, limit) };
	return { body: { ...(answer.body as object), usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } } };
}
