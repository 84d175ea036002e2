import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundle } from '../../scripts/bundle.ts';
import { outage } from '../soak/outage.ts';
import { temporaryFolder } from '../support/crash.ts';
import { describeS3 } from '../support/s3/server.ts';

/** Tries of the S3 library for each request. */
const attempts = 3;

/** The most requests of an outage, in which the number of cores has no part. */
function mostRequests(seconds: number): number {
	const atOnce = 3; // two cores and a report, when it begins
	const tries = Math.log2(seconds + 2) + seconds / 30;
	const healthChecks = seconds / 10 + 2;
	return attempts * (atOnce + tries + healthChecks);
}

// `npm run soak:storage -- --outage 10m` does the same for ten minutes.
describeS3('a bucket that is away while crashes come', () => {
	test('is not stormed, and has all of them when it is back; the agent answers meanwhile', async () => {
		await using folder = await temporaryFolder();
		const program = await bundle(join(folder.path, 'app'));
		const seed = Date.now() % 1_000_000;
		const { seconds, connections, asked, problems } = await outage({ program, outageMs: 12_000, cores: 40, seed });
		expect(problems, `seed ${seed}`).toEqual([]);
		expect(connections).toBeLessThan(mostRequests(seconds));
		expect(asked).toBeGreaterThan(0);
	}, 180_000);
});
