import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../until.ts';

/** Leads from a node's network to a socket on this machine, for as long as it is there; whether anybody listens at that is its own matter. */
export type Door = AsyncDisposable & {
	/** Of the socket. */
	readonly socket: string;
	/** ADDRESS:PORT, as pods reach it. */
	readonly address: string;
};

/** @param namespace the process whose network it is */
export async function openDoor(namespace: string, address: string, socket: string): Promise<Door> {
	const forward = [process.execPath, join(import.meta.dirname, 'node/forward.ts'), address, socket];
	// It goes with this process, however that ends.
	const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', '--net', '--target', namespace, ...forward], { stdio: 'ignore' });
	const ended = once(child, 'exit');
	const port = Number(address.split(':')[1]).toString(16).toUpperCase().padStart(4, '0');
	// The kernel's list of what listens in that network: local address, remote one, and 0A for "listens".
	const isOpen = () => new RegExp(`:${port} 0+:0000 0A `).test(readFileSync(`/proc/${namespace}/net/tcp`, 'utf8'));
	await until(`a door at ${address}`, isOpen, Boolean);
	return {
		socket,
		address,
		async [Symbol.asyncDispose]() {
			child.kill();
			await ended;
		},
	};
}
