import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canSetPattern, exec, temporaryFolder } from '../crash.ts';
import { describeUnless, missingAsSaidBy, missingOf } from '../needed.ts';
import { type Server, serve } from './namespace.ts';

export { type Death, die } from './dying.ts';
export type { Server } from './namespace.ts';

const find = async () => (await exec(join(import.meta.dirname, 'build.sh'), ['--find'])).stdout.trim();
const missing =
	(canSetPattern ? null : 'only root can give it a network of its own') ??
	missingOf(['ip', 'unshare', 'nsenter', 'setpriv', 'gdb']) ??
	(await missingAsSaidBy(find));

/** Tests that need a real Milvus: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export const describeMilvus = (name: string, tests: () => void): void => describeUnless(name, missing, { timeout: 120_000 }, tests);

/** A segment of less than 1024 rows gets no index. */
const enoughRows = 3000;

/** A Milvus of one process, in a temporary folder. @param isSearching it has vectors, in which something searches without a pause */
export async function startMilvus({
	isSearching,
	rows = enoughRows,
}: {
	readonly isSearching: boolean;
	readonly rows?: number;
}): Promise<Server> {
	const place = join(await find(), 'milvus');
	return started(
		(folder) => {
			writeConfig(place, folder);
			return serve(folder, join(place, 'bin/milvus'), ['run', 'standalone'], {
				DEPLOY_MODE: 'STANDALONE',
				LD_LIBRARY_PATH: join(place, 'bin'),
				METRICS_PORT: '9091',
			});
		},
		async (server) => {
			await server.ask('wait-for-milvus');
			if (!isSearching) return;
			await server.ask('load', String(rows));
			server.keepAsking('search');
		},
	);
}

/** The small Milvus of C++, in a temporary folder; something looks up a collection in it without a pause. */
export async function startMilvusLite(): Promise<Server> {
	const place = join(await find(), 'milvus-lite');
	return started(
		(folder) => serve(folder, join(place, 'milvus'), [join(folder, 'vectors.db'), '127.0.0.1:19530', 'ERROR'], { LD_LIBRARY_PATH: place }),
		async (server) => {
			await server.ask('wait-for-lite');
			server.keepAsking('look-up');
		},
	);
}

/** Ends with its folder. */
async function started(start: (folder: string) => Promise<Server>, prepare: (server: Server) => Promise<void>): Promise<Server> {
	await using stack = new AsyncDisposableStack();
	const { path } = stack.use(await temporaryFolder());
	const server = stack.use(await start(path));
	await prepare(server);
	const disposal = stack.move();
	return { ...server, [Symbol.asyncDispose]: () => disposal.disposeAsync() };
}

/** The package's own configuration, with its defaults: `{{ key(type): default }}`, where a folder has none. */
function writeConfig(place: string, folder: string): void {
	const folders: Readonly<Record<string, string>> = {
		etcd_log_path: join(folder, 'etcd.log'),
		etcd_data_dir: join(folder, 'etcd'),
		local_storage_dir: join(folder, 'data'),
		rocksmq_data_dir: join(folder, 'rocksmq'),
		system_log_path: join(folder, 'logs'),
	};
	const config = readFileSync(join(place, 'config.yaml.template'), 'utf8').replace(
		/\{\{ *(\w+)(?:\(\w+\))?(?:: *(.*?))? *\}\}/g,
		(_, key, standard) => folders[key] ?? standard,
	);
	const file = join(folder, 'configs/milvus.yaml');
	mkdirSync(dirname(file));
	writeFileSync(file, config);
	copyFileSync(join(place, 'glog.conf'), join(dirname(file), 'glog.conf'));
}
