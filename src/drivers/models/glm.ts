import { randomUUID } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import type { FailureClass } from '../../domain/model-provider.ts';
import { jsonObject, type Service, within } from './service.ts';

/** Zhipu's BigModel, and its international twin api.z.ai. Source: https://docs.bigmodel.cn/cn/api/api-code */
export const glm: Service = {
	kind: 'glm',
	name: 'GLM',
	baseURL: 'https://open.bigmodel.cn/api/paas/v4/chat/completions',
	needsKey: true,
	keyVariable: 'GLM_API_KEY',
	parameters: ({ maxTokens, temperature, wantsJson }) =>
		defined({
			max_tokens: within(1, 131_072, maxTokens),
			temperature: within(0, 1, temperature),
			response_format: wantsJson ? jsonObject : undefined,
			// Its tokens count too, and may be used up before the answer begins.
			thinking: { type: 'disabled' },
			request_id: randomUUID(),
		}),
	classOf: ({ code = '' }) => classes.get(code),
	isAboutParameter: ({ code = '' }) => ['1210', '1213', '1214', '1215'].includes(code),
};

/** HTTP 429 is money, pace and quota: only the code tells which. */
const classes = new Map<string, FailureClass>(
	(
		[
			['key', 1000, 1001, 1002, 1003, 1004],
			['money', 1110, 1111, 1112, 1113, 1120, 1121],
			['bad request', 1210, 1212, 1213, 1214, 1215],
			['model', 1211],
			['too long', 1261],
			['blocked', 1301],
			['pace', 1302, 1303],
			['busy', 1305, 1312],
			['quota', 1304, 1308, 1310],
			['service error', 500, 1230, 1234],
		] as const
	).flatMap(([name, ...codes]) => codes.map((code): [string, FailureClass] => [String(code), name])),
);
