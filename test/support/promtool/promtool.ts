import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { exec, temporaryFolder } from '../crash.ts';
import { describeUnless, missingAsSaidBy } from '../needed.ts';

const find = async () => (await exec(join(import.meta.dirname, 'build.sh'), ['--find'])).stdout.trim();
const missing = await missingAsSaidBy(find);

/** Tests that need promtool: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export const describePromtool = (name: string, tests: () => void): void => describeUnless(name, missing, { timeout: 60_000 }, tests);

/** @returns what promtool prints; @throws with what it objects to in `stdout` or `stderr` */
export async function promtool(...args: readonly string[]): Promise<string> {
	return (await exec(await find(), [...args])).stdout;
}

/** Values by the names of their series, one each 30 s, as promtool writes them: `0x10 1 stale _x2`. */
export type Series = Readonly<Record<string, string>>;

export type Expected =
	/** All alerts that fire at that minute. */
	| { readonly minute: number; readonly fires: readonly string[] }
	/** What is the answer to a question at that minute. */
	| { readonly minute: number; readonly query: string; readonly labels: string; readonly value: number }
	/** What an alert that fires at that minute says. */
	| { readonly minute: number; readonly alert: string; readonly labels: object; readonly annotations: object };

/** Has Prometheus look at the series with these alerts. @param file with the alerts @throws what is not as expected */
export async function prove(file: string, series: Series, expected: readonly Expected[]): Promise<void> {
	await using folder = await temporaryFolder();
	const test = join(folder.path, 'test.yaml');
	const asked = expected.flatMap((one) =>
		'fires' in one
			? { expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: timeOf(one), exp_samples: one.fires.map(sample) }
			: 'query' in one
				? { expr: one.query, eval_time: timeOf(one), exp_samples: [{ labels: one.labels, value: one.value }] }
				: [],
	);
	const saying = expected.flatMap((one) =>
		'alert' in one
			? {
					eval_time: timeOf(one),
					alertname: one.alert,
					exp_alerts: [{ exp_labels: one.labels, exp_annotations: one.annotations }],
				}
			: [],
	);
	const input = Object.entries(series).map(([name, values]) => ({ series: name, values }));
	const tests = [{ interval: '30s', input_series: input, promql_expr_test: asked, alert_rule_test: saying }];
	writeFileSync(test, stringify({ rule_files: [file], evaluation_interval: '30s', tests }));
	await promtool('test', 'rules', test).catch((error: { stdout: string; stderr: string }) => {
		throw new Error(`${error.stdout}${error.stderr}`);
	});
}

const timeOf = ({ minute }: Expected) => `${minute * 60}s`;
const sample = (alertname: string) => ({ labels: `{alertname="${alertname}"}`, value: 1 });
