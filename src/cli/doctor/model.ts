import { modelOf } from '../../agent/agent.ts';
import { problemOfModel } from '../../components/opinion/opinion.ts';
import type { Config } from '../../config/config.ts';
import type { Retry } from '../../domain/model-provider.ts';
import { type Check, error, ok, warning } from './check.ts';

/** Whether the model answers with the key that is configured; it is asked for one word. */
export async function modelChecks({ aiAnalysis }: Config): Promise<Check[]> {
	if (!aiAnalysis.enabled) return [];
	const subject = `aiAnalysis (${aiAnalysis.provider})`;
	const problem = await problemOfModel(modelOf(aiAnalysis), new AbortController().signal);
	if (!problem) return [ok(subject, `${aiAnalysis.model} answers`)];
	const found = problem.retry === 'when changed' ? error : warning;
	return [found(subject, problem.words, todos[problem.retry])];
}

const todos: Readonly<Record<Retry, string>> = {
	'when changed': 'set what is named there; until then reports say that AI analysis is not available, and all else works',
	later: 'look again later; if it stays so, ask whether the network lets this machine reach the service',
	shorter: 'set aiAnalysis.model to one with room for a question',
	never: 'set aiAnalysis.model to another',
};
