/**
 * forward.ts LISTEN CONNECT: each the path of a socket, or ADDRESS:PORT. A socket with a path belongs to no network namespace, so that two of these
 * lead from the machine's own network into that of the node.
 */
import { connect, createServer, type NetConnectOpts } from 'node:net';

const [from = '', to = ''] = process.argv.slice(2);

createServer((caller) => {
	const called = connect(optionsOf(to));
	caller.pipe(called).pipe(caller);
	// Whichever breaks off takes the other with it.
	caller.on('error', () => called.destroy()).on('close', () => called.destroy());
	called.on('error', () => caller.destroy()).on('close', () => caller.destroy());
}).listen(optionsOf(from));

function optionsOf(text: string): NetConnectOpts {
	if (text.includes('/')) return { path: text };
	const [host = '', port] = text.split(':');
	return { host, port: Number(port) };
}
