import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../scripts/bundle.ts';
import { stormOfKills } from '../soak/kills.ts';
import { type Kind, storeOf } from '../soak/stores.ts';
import { temporaryFolder } from '../support/crash.ts';
import { describeS3 } from '../support/s3/server.ts';

const isRoot = process.getuid?.() === 0;
const describeMount = describe.skipIf(!(isRoot && existsSync('/dev/fuse')) && process.env.CI !== 'true');
/** Two nodes on one machine: one must be root to give them names. */
const pairTest = test.skipIf(!isRoot && process.env.CI !== 'true');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program = '';
beforeAll(async () => {
	folder = await temporaryFolder();
	program = await bundle(join(folder.path, 'app'));
});
afterAll(() => folder[Symbol.asyncDispose]());

/** `npm run soak:storage` does the same with a thousand. */
async function expectNoHarm(kind: Kind, uploads: number, hostNames?: readonly string[]): Promise<void> {
	await using store = await storeOf(kind);
	const seed = Date.now() % 1_000_000;
	const result = await stormOfKills(store, { program, uploads, seed, ...(hostNames && { hostNames }) });
	expect(result.uploads).toBeGreaterThanOrEqual(uploads);
	expect(result.problems, `seed ${seed}`).toEqual([]);
}

const alone = 'kill -9 at random moments of uploads loses, doubles and half-writes nothing';
const pair = 'two agents that are killed again and again on one store do not disturb each other';
const timeout = 180_000;

describe('a folder', () => {
	test(alone, () => expectNoHarm('local', 9), timeout);
});

describeMount('NFS (skipped without root and /dev/fuse)', () => {
	test(alone, () => expectNoHarm('nfs', 8), timeout);
	pairTest(pair, () => expectNoHarm('nfs', 2, ['node-a', 'node-bb']), timeout);
});

describeS3('a bucket', () => {
	test(alone, () => expectNoHarm('s3', 6), timeout);
	pairTest(pair, () => expectNoHarm('s3', 2, ['node-a', 'node-bb']), timeout);
});
