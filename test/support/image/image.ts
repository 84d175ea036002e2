import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec, root } from '../crash.ts';
import { describeUnless, missingOf } from '../needed.ts';

export type Image = {
	/** A file that `docker load` and `ctr images import` take. */
	readonly archive: string;
	/** Under which it is there then, with its tag. */
	readonly name: string;
};

const missing = process.getuid?.() === 0 ? missingOf(['buildah', 'mmdebstrap', 'flock']) : 'building the image takes root';

/** Tests that need the image: where it can't be built they are skipped, and their name says why. In CI it must be. */
export const describeImage = (name: string, tests: () => void): void => describeUnless(name, missing, { timeout: 120_000 }, tests);

/** The longest that building it takes, the first time. */
export const buildTimeoutMs = 900_000;

/** The agent's image, built from this checkout unless it is there already: in minutes the first time, in seconds when only the source has changed. */
export const agentImage = (): Promise<Image> => image('agent', 'milvus-coredump-agent');

/** The image of the crash program. */
export const crasherImage = (): Promise<Image> => image('crasher', 'milvus-coredump-agent-crasher');

/** The crash program, as scripts/build.sh takes it out of its image for a ConfigMap. */
export const crasherProgram = async (): Promise<string> => join(await built(), 'milvus_crasher');

let building: Promise<string> | undefined;

const built = () => (building ??= build());

async function image(what: 'agent' | 'crasher', name: string): Promise<Image> {
	const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	return { archive: join(await built(), `${what}.tar`), name: `docker.io/library/${name}:${version}` };
}

async function build(): Promise<string> {
	const { stdout } = await exec(join(import.meta.dirname, 'build.sh'), { timeout: buildTimeoutMs, maxBuffer: 1 << 26 });
	return stdout.trim();
}
