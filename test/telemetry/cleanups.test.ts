import { expect, test } from 'vitest';
import { listening } from '../support/telemetry.ts';

const told = async ({ telemetry }: ReturnType<typeof listening>) =>
	Object.fromEntries((await telemetry.metrics.cleanups.get()).values.map(({ labels, value }) => [labels.phase, value]));

test('how many cleanups there are in which phase is told by who leads and cleans, and by nobody else', async () => {
	const heard = listening();
	const { telemetry } = heard;
	const cleans = () => {
		telemetry.leads('a');
		telemetry.cleanupsSeen(['Pending', 'Done', 'Done']);
	};
	expect(await told(heard)).toEqual({});
	cleans();
	expect(await told(heard)).toEqual({ Pending: 1, Vetoed: 0, DryRun: 0, Recovered: 0, Running: 0, Done: 2, Failed: 0 });
	telemetry.cleanerWorks();
	expect(await told(heard)).toMatchObject({ Pending: 1 });
	telemetry.cleanerWorks('switched off');
	expect(await told(heard)).toEqual({});
	cleans();
	telemetry.leadershipEnded('another took it');
	expect(await told(heard)).toEqual({});
});
