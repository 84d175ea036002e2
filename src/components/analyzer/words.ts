import { defined } from '../../base/defined.ts';
import { sourcePlace } from '../../domain/frames.ts';
import type { Culprit } from '../../domain/report.ts';
import type { Statement } from '../../readers/tracelog/tracelog.ts';
import { classify, rulesVersion } from './culprit/culprit.ts';
import { wordsOf } from './death.ts';
import { type KnownIssueEntry, originOf } from './knownissues/knownissues.ts';

/** The place that the process's own words name, for where no stack shows it; or the one that such words are known to come from. */
export function culpritByWords(
	statement: Statement | undefined,
	knownIssues: readonly KnownIssueEntry[],
): { readonly culprit: Culprit; readonly path: readonly [] } | undefined {
	const named = statement && placeNamedIn(statement);
	if (named?.function !== undefined) return { culprit: named, path: [] };
	const texts = [statement && wordsOf(statement), named && sourcePlace(named)].filter((text) => typeof text === 'string');
	const origin = originOf(knownIssues, texts);
	if (origin) return { culprit: culprit({ function: origin.function }, `known issue ${origin.id}`, 'medium'), path: [] };
	return named && { culprit: named, path: [] };
}

function placeNamedIn(statement: Statement): Culprit | undefined {
	switch (statement.is) {
		case 'exception':
		case 'go panic': {
			const place = placeIn(statement.message ?? '');
			return place && culprit(place, 'place that the message names', 'medium');
		}
		case 'assertion': {
			const { function: name, source } = statement;
			// A check in the standard library's own headers tells nothing of who called it.
			if ((name === undefined && !source) || classify(defined({ function: name, ...source })).is === 'standard') return undefined;
			return culprit(defined({ function: name, ...source }), 'place of the assertion', 'medium');
		}
		case 'rust panic':
			return culprit(statement.source, 'place of the first Rust panic', 'medium');
		case 'exit':
			return statement.source && culprit(statement.source, 'place of the last words', 'low');
		case 'signal':
		case 'go fatal error':
		case 'heap corruption':
			return undefined;
		default:
			return statement satisfies never;
	}
}

type Place = Pick<Culprit, 'function' | 'file' | 'line'>;

const culprit = ({ function: name, file, line }: Place, rule: string, confidence: Culprit['confidence']): Culprit => ({
	...defined({ function: name, file, line }),
	rule,
	rules: rulesVersion,
	confidence,
});

/** `Error in void faiss::X::train(…) at X.cpp:286` of faiss, `… at /go/src/…/src/y.cpp:123` of Milvus' own assertions. */
function placeIn(message: string): Place | undefined {
	const faiss = /\bError in (.{1,2000}?) at ([^\s:]+):(\d+)/s.exec(message);
	if (faiss) return { function: faiss[1] as string, file: faiss[2] as string, line: Number(faiss[3]) };
	const place = /(?:\bat |=> |^)(\S*\.(?:c|cc|cpp|cxx|h|hpp|rs|go)):(\d+)/.exec(message);
	return place ? { file: place[1] as string, line: Number(place[2]) } : undefined;
}
