/** Runs beside all tests: keeps the control plane that they have in common, once one of them asks for it, and ends it after the last. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TestProject } from 'vitest/node';
import type { Missing } from '../needed.ts';
import { unique } from './cluster.ts';
import { type ControlPlane, controlPlane } from './control-plane.ts';
import { whatIsMissing } from './programs.ts';

declare module 'vitest' {
	interface ProvidedContext {
		/** Whoever connects to the socket is told what there is to know of the shared control plane, when it is ready. */
		kubernetes: { readonly socket: string; readonly missing: Missing };
	}
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	let plane: Promise<ControlPlane> | undefined;
	// A name without a file, which is gone with this process.
	const socket = `\0${unique('milvus-coredump-agent-test')}`;
	const server = createServer(async (connection) => {
		connection.on('error', () => {}); // a test file that was given up
		plane ??= controlPlane();
		const answer = await plane.then(
			({ kubeconfig }) => ({ kubeconfig }),
			(error: Error) => ({ error: error.message }),
		);
		connection.end(JSON.stringify(answer));
	});
	server.listen(socket);
	await once(server, 'listening');
	const missing = await whatIsMissing();
	project.provide('kubernetes', { socket, missing });
	return async () => {
		server.close();
		await plane?.then((started) => started[Symbol.asyncDispose]());
		if (missing !== null) console.log(`Tests that need Kubernetes were skipped: ${missing}`);
	};
}
