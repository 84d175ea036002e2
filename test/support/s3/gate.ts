import { once } from 'node:events';
import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request, as it came. */
export type Asked = {
	readonly method: string;
	readonly path: string;
	/** Of its body, as announced. */
	readonly bytes: number;
	/** Of a part of an upload. */
	readonly part?: number;
};

/** What becomes of a request: it passes, nobody answers, or it is refused with that code and status 403. */
export type Verdict = 'pass' | 'stall' | { readonly refused: string };

/** A gate before an S3 server: it sees each request, and says what becomes of it. */
export async function s3Gate(targetPort: number) {
	const asked: Asked[] = [];
	let verdictOn: (asked: Asked) => Verdict = () => 'pass';
	const server = createServer((request, response) => {
		const one = askedBy(request);
		asked.push(one);
		const verdict = verdictOn(one);
		if (verdict === 'stall') return;
		if (verdict !== 'pass') {
			request.resume().on('end', () => {
				response.writeHead(403, { 'content-type': 'application/xml', connection: 'close' });
				response.end(`<?xml version="1.0"?><Error><Code>${verdict.refused}</Code><Message>No.</Message></Error>`);
			});
			return;
		}
		const { method, url, headers } = request;
		const forwarded = send({ host: '127.0.0.1', port: targetPort, method, path: url, headers }, (answer) => {
			response.writeHead(answer.statusCode ?? 500, answer.headers);
			answer.pipe(response);
		});
		forwarded.on('error', () => response.destroy());
		response.on('close', () => forwarded.destroy());
		request.pipe(forwarded);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		endpoint: `http://127.0.0.1:${port}`,
		/** What was asked since the last time, in the order in which it came. */
		asked: (): readonly Asked[] => asked.splice(0),
		judge(verdict: (asked: Asked) => Verdict): void {
			verdictOn = verdict;
		},
		async [Symbol.asyncDispose]() {
			server.close();
			server.closeAllConnections();
			await once(server, 'close');
		},
	};
}

function askedBy({ method = '', url = '', headers }: IncomingMessage): Asked {
	const { pathname, searchParams } = new URL(url, 'http://gate');
	const part = searchParams.get('partNumber');
	return {
		method,
		path: `${pathname}${searchParams.has('uploadId') || searchParams.has('uploads') ? '?uploads' : ''}`,
		bytes: Number(headers['content-length'] ?? 0),
		...(part !== null && { part: Number(part) }),
	};
}
