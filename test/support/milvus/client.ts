/**
 * A program, run in a server's network: client.ts STEP. Its exit code is its answer.
 *
 *   wait-for-milvus, wait-for-lite   until it is up
 *   load ROWS                        makes a collection of that many vectors with an index (HNSW)
 *   search                           searches in it, until the server is gone
 *   look-up                          asks the small one for a collection that it does not have, until it is gone
 *
 * Milvus has a RESTful API (https://milvus.io/api-reference/restful/v2.3.x/About.md), and at its port for metrics the older one, which is not documented and
 * does what that can't. The small one has only gRPC (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
import { request } from 'node:http';
import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../until.ts';

const dimension = 128;
/** As many as are sent at a time. */
const mostRows = 5000;
const name = 'vectors';

const steps: Readonly<Record<string, () => Promise<unknown>>> = {
	'wait-for-milvus': () => until('Milvus is up', () => isAnswered(isHealthy), Boolean),
	'wait-for-lite': () => until('Milvus Lite is up', () => isAnswered(lookUp), Boolean),
	load,
	search: () => untilGone(search),
	'look-up': () => untilGone(lookUp),
};
const step = steps[process.argv[2] ?? ''];
if (step === undefined) throw new Error(`no such step: ${process.argv[2]}`);
await step();

async function load(): Promise<void> {
	await rest('collections/create', { dimension });
	const rowCount = Number(process.argv[3]);
	for (let left = rowCount; left > 0; left -= mostRows)
		await rest('insert', { data: Array.from({ length: Math.min(left, mostRows) }, () => ({ vector: vector() })) });
	await ask('POST', 9091, '/api/v1/persist', { collection_names: [name] });
	await until('the index is built', indexedRows, (rows) => rows === rowCount, 240_000);
}

async function indexedRows(): Promise<number | undefined> {
	const { index_descriptions: indexes } = JSON.parse(await ask('GET', 9091, '/api/v1/index', { collection_name: name }));
	return indexes?.[0]?.indexed_rows;
}

function search(): Promise<void> {
	return rest('search', { vector: vector(), limit: 3 });
}

function vector(): number[] {
	return Array.from({ length: dimension }, () => Math.round(Math.random() * 1000) / 1000);
}

async function rest(path: string, body: object): Promise<void> {
	const answer = await ask('POST', 19530, `/v1/vector/${path}`, { collectionName: name, ...body });
	if (JSON.parse(answer).code !== 200) throw new Error(`${path}: ${answer}`);
}

async function isHealthy(): Promise<void> {
	const answer = await ask('GET', 9091, '/healthz', {});
	if (JSON.parse(answer).state !== 'OK') throw new Error(answer);
}

/** Asks with a body, also by GET, for which `fetch` refuses to. */
function ask(method: string, port: number, path: string, body: object): Promise<string> {
	return new Promise((resolve, reject) => {
		const content = JSON.stringify(body);
		const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) };
		request({ method, host: '127.0.0.1', port, path, headers }, (response) => resolve(text(response)))
			.on('error', reject)
			.end(content);
	});
}

function lookUp(): Promise<void> {
	// Field 3 of the request is the collection's name; before a message stands whether it is compressed (1 byte) and its length (4).
	const message = Buffer.from(`\x1a${String.fromCharCode(name.length)}${name}`);
	const head = Buffer.from([0, 0, 0, 0, message.length]);
	return new Promise((resolve, reject) => {
		const session = connect('http://127.0.0.1:19530').on('error', reject);
		session
			.request({
				':method': 'POST',
				':path': '/milvus.proto.milvus.MilvusService/HasCollection',
				'content-type': 'application/grpc',
				te: 'trailers',
			})
			.on('error', reject)
			.on('close', () => {
				session.close();
				resolve();
			})
			.resume()
			.end(Buffer.concat([head, message]));
	});
}

async function isAnswered(ask: () => Promise<void>): Promise<boolean> {
	return ask().then(
		() => true,
		() => false,
	);
}

async function untilGone(ask: () => Promise<void>): Promise<void> {
	while (await isAnswered(ask)) await delay(20);
}
