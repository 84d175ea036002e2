import { defined } from '../../../base/defined.ts';
import type { Culprit } from '../../../domain/report.ts';
import type { Statement } from '../../../readers/tracelog/tracelog.ts';
import { rulesVersion } from './rules.ts';

/** Where no stack shows it, the process's own words may name the place: `Error in void faiss::X::train(…) at X.cpp:286`, `… at /go/src/…/src/y.cpp:123`. */
export function culpritByWords(statement: Statement | undefined): Culprit | null {
	if (!statement) return null;
	switch (statement.is) {
		case 'exception':
		case 'go panic':
			return placed(placeIn(statement.message ?? ''), 'place that the message names');
		case 'assertion': {
			const { function: name, source } = statement;
			return placed(defined({ function: name, ...source }), 'place of the assertion');
		}
		case 'rust panic':
			return placed(statement.source, 'place of the first Rust panic');
		case 'exit': {
			const place = placed(statement.source, 'place of the last words');
			return place && { ...place, confidence: 'low' };
		}
		case 'signal':
		case 'go fatal error':
		case 'heap corruption':
			return null;
		default:
			return statement satisfies never;
	}
}

type Place = Pick<Culprit, 'function' | 'file' | 'line'>;

function placed(place: Place | undefined, rule: string): Culprit | null {
	if (!place || (place.function === undefined && place.file === undefined)) return null;
	return { ...defined({ function: place.function, file: place.file, line: place.line }), rule, rules: rulesVersion, confidence: 'medium' };
}

function placeIn(message: string): Place | undefined {
	const faiss = /\bError in (.{1,2000}?) at ([^\s:]+):(\d+)/s.exec(message);
	if (faiss) return { function: faiss[1] as string, file: faiss[2] as string, line: Number(faiss[3]) };
	const place = /(?:\bat |=> |^)(\S*\.(?:c|cc|cpp|cxx|h|hpp|rs|go)):(\d+)/.exec(message);
	return place ? { file: place[1] as string, line: Number(place[2]) } : undefined;
}
