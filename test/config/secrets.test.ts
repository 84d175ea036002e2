import { describe, expect, test } from 'vitest';
import { shownConfig } from '../../src/config/config.ts';
import { load, mistakesIn } from './load.ts';

const secret = 'Xy7-0123456789';

/** The four keys, each in a file with something else in its place. */
const files = (value: string) => [
	`aiAnalysis:\n  model: m\n  apiKey: ${value}\n`,
	`analyzer:\n  aiAnalysis:\n    apiKey: ${value}\n`,
	`storage:\n  s3:\n    accessKey: ${value}\n`,
	`storage: { s3: { region: r, secretKey: ${value} } }\n`,
	`monitor:\n  alerting:\n    webhookUrl: ${value}\n`,
];

/** All that a user gets to see of a file. */
async function told(text: string): Promise<string> {
	const mistakes = await mistakesIn(text);
	if (mistakes.length > 0) return mistakes.join('\n');
	const { config, warnings } = await load(text);
	return [shownConfig(config), ...warnings].join('\n');
}

test('secrets in the file work, with a warning', async () => {
	const text = [
		`aiAnalysis: { apiKey: ${secret} }`,
		`storage: { s3: { accessKey: ${secret}, secretKey: ${secret} } }`,
		`monitor: { alerting: { webhookUrl: "https://example.com/${secret}" } }`,
	];
	const { config, warnings } = await load(text.join('\n'));
	expect(config.aiAnalysis.apiKey).toBe(secret);
	expect(warnings.filter((line) => line.includes('is a secret, readable for all who can read this file'))).toHaveLength(4);
	expect(shownConfig(config).match(/\*{8}/g)).toHaveLength(4);
	expect(shownConfig(config) + warnings.join()).not.toContain(secret);
});

test('a password in an address is told neither as part of the configuration nor as part of a mistake', async () => {
	const address = `https://user:${secret}@example.com/path`;
	const text = [
		`aiAnalysis: { baseURL: "${address}" }`,
		`analyzer: { symbols: { debuginfod: "${address}" } }`,
		`storage: { s3: { endpoint: "${address}" } }`,
	].join('\n');
	expect(await told(text)).not.toContain(secret);
	expect((await told(text)).match(/https:\/\/\*{8}@example\.com\/path/g)).toHaveLength(3);
	expect(await told(`analyzer: { symbols: { debuginfod: "ftp://user:${secret}@example.com" } }`)).not.toContain(secret);
	expect(await told(`storage: { backend: "${address}" }`)).not.toContain(secret);
	expect(await told(`aiAnalysis: { baseURL: "https://user:${secret}@" }`)).not.toContain(secret);
	expect(await told(`aiAnalysis: { baseURL: "https://example.com/v1?key=${secret}" }`)).toContain('https://example.com/v1?********');
});

describe('no secret is told', () => {
	test('when it has a wrong type or shape', async () => {
		const shapes = ['[S]', '{ S: 1 }', '{ a: S }', '[[S]]', '[{ a: S }]', '"\\nS"', '!!binary S', '? S', '- S', '&S S', '\n S:\n'];
		for (const text of shapes.flatMap((shape) => files(shape.replaceAll('S', secret)))) expect(await told(text)).not.toContain(secret);
	});

	test('when its first or last character means something to YAML', async () => {
		for (const character of '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n') {
			const values = [`${character}${secret}`, `${character}${character}${secret}`, `${secret}${character}`, `"${character}${secret}`];
			for (const text of values.flatMap(files)) expect([text, (await told(text)).includes(secret)]).toEqual([text, false]);
		}
		for (const value of [`!e!${secret}`, `!<${secret}>`, `!${secret}!`]) {
			for (const text of files(value)) expect([text, (await told(text)).includes(secret)]).toEqual([text, false]);
		}
		expect(await told('aiAnalysis: { apiKey: "\\Upassword" }')).not.toContain('password');
	});

	test('when the colon or its space is missing, or it stands where the section or the key should be', async () => {
		const texts = [
			'aiAnalysis: S',
			'aiAnalysis: [{ apiKey: S }]',
			'aiAnalysis:\n  apiKey:S\n',
			'aiAnalysis:\n  apiKey:S\n  model: m\n',
			'aiAnalysis: {apiKey:S}',
			'aiAnalysis: {apiKey=S}',
			'aiAnalysis: {apiKey S}',
			'aiAnalysis:\n  apiKey S: x\n',
			'aiAnalysis:\n  S:\n',
			'aiAnalysis:\n  <<: S\n',
			'aiAnalysis:\n  apiKey: S\n  apiKey: S\n',
			'aiAnalysis: { provider: { apiKey: S } }',
			'aiAnalysis: { pricing: { apiKey: S } }',
			'analyzer: apiKey=S',
			'analyzer: [{ aiAnalysis: { apiKey: S } }]',
			'storage: { backend: { secretKey: S } }',
			'storage: { s3: S }',
			'storage:\n  s3:\n    secretKey=S\n',
			'monitor: { alerting: "https://example.com/S" }',
			'{apiKey:S}',
			'apiKey=S',
			'S',
		];
		for (const text of texts) expect([text, (await told(text.replaceAll('S', secret))).includes(secret)]).toEqual([text, false]);
	});
});
