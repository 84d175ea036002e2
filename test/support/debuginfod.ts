import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocket } from 'node:net';
import { join } from 'node:path';
import { exec, temporaryFolder } from './crash.ts';
import { missingOf } from './needed.ts';
import { until } from './until.ts';

export const missingDebuginfod = missingOf(['debuginfod', 'eu-strip', 'objcopy']);

/** A real debuginfod over a folder of executables and debug information; it serves what is there when it starts. */
export async function debuginfodOver(folder: string): Promise<AsyncDisposable & { readonly address: string }> {
	await using stack = new AsyncDisposableStack();
	const state = stack.use(await temporaryFolder());
	const port = await freePort();
	const child = spawn('debuginfod', ['-F', '-L', '-t', '0', '-g', '0', '-d', join(state.path, 'index'), '-p', String(port), folder], {
		stdio: 'ignore',
		env: { PATH: process.env.PATH, HOME: state.path, DEBUGINFOD_CACHE_PATH: join(state.path, 'cache') },
	});
	const ended = once(child, 'exit');
	stack.defer(async () => {
		child.kill();
		await ended;
	});
	const address = `http://127.0.0.1:${port}`;
	const metrics = () =>
		fetch(`${address}/metrics`).then(
			(response) => response.text(),
			(error) => String(error),
		);
	const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
	const isScanned = new RegExp(`^scanned_files_total\\{source="file"\\} ${files.length}$`, 'm');
	await until('debuginfod has looked through its folder', metrics, (text) => isScanned.test(text) && isIdle.test(text));
	const held = stack.move();
	return { address, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const isIdle = /^thread_busy\{role="scan"\} 0$/m;

async function freePort(): Promise<number> {
	const server = createSocket().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, 'close');
	return port;
}

export type FaultyAnswer = {
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: Uint8Array;
	/** Instead of the end of the answer: nothing more comes; the connection is cut; it goes on for ever. */
	readonly ending?: 'silence' | 'cut' | 'flood';
	/** Not even the head comes: nothing more, or the end of the connection. */
	readonly head?: 'silence' | 'cut';
};

type Asked = { readonly path: string; readonly headers: IncomingHttpHeaders };

/** A server that does to a client what a real one can't be brought to. @param answer to a path */
export async function faultyDebuginfod(answer: (path: string) => FaultyAnswer) {
	const asked: Asked[] = [];
	const server = createServer((request, response) => {
		const path = request.url ?? '';
		asked.push({ path, headers: request.headers });
		give(response, answer(path));
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		address: `http://127.0.0.1:${port}`,
		port,
		/** Since the last time. */
		asked: (): Asked[] => asked.splice(0),
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			if (server.listening) await once(server, 'close');
		},
	};
}

function give(response: ServerResponse, { status = 200, headers = {}, body, ending, head }: FaultyAnswer): void {
	if (head === 'cut') response.destroy();
	if (head) return;
	response.writeHead(status, headers);
	response.flushHeaders();
	if (ending === 'flood') {
		flood(response);
		return;
	}
	if (ending === undefined) {
		response.end(body);
		return;
	}
	response.write(body ?? '', () => {
		if (ending === 'cut') response.destroy();
	});
}

function flood(response: ServerResponse): void {
	const piece = Buffer.alloc(1 << 16, 'x');
	const more = () => {
		while (!response.destroyed && response.write(piece));
	};
	response.on('drain', more);
	more();
}

/** A program that was split: what runs, and its debug information. */
export type Split = { readonly stripped: string; readonly debug: string };

/** As Debian does it, and as Fedora. */
export const splitters = {
	async objcopy(program: string, { stripped, debug }: Split) {
		await exec('objcopy', ['--only-keep-debug', program, debug]);
		await exec('strip', ['-o', stripped, program]);
	},
	async 'eu-strip'(program: string, { stripped, debug }: Split) {
		await exec('eu-strip', ['-o', stripped, '-f', debug, program]);
	},
} as const;
