import { type AbortStatement, statementOfAbort } from './aborts.ts';

export const cleanMessage = (lines: readonly string[]) => lines.join('\n').trim();

/** The assertion that an exception's message or a line of its own tells of, where it names its place. */
export function assertionIn(message: string): AbortStatement | undefined {
	return ofMilvus(message) ?? ofFaissException(message) ?? statementOfAbort(message);
}

/** `Assert "condition" at /src/x.cpp:12` and ` => explanation`: Milvus, internal/core/src/common/EasyAssert.cpp. */
function ofMilvus(message: string): AbortStatement | undefined {
	const start = message.indexOf('Assert "');
	const match = start < 0 ? undefined : /^Assert "(.*?)" at ([^\s:]+):(\d+)(?:\s*=> (.*))?/s.exec(message.slice(start));
	if (!match) return undefined;
	const [, condition = '', file = '', line, explanation] = match;
	return {
		is: 'assertion',
		message: explanation === undefined ? condition : `${condition} => ${explanation.trim()}`,
		source: { file, line: Number(line) },
	};
}

/** `Error in virtual void faiss::Index::train(…) at Index.cpp:12: message`: faiss, FaissException.cpp. */
function ofFaissException(message: string): AbortStatement | undefined {
	const match = /^Error in (.+?) at ([^\s:]+):(\d+): (.*)$/s.exec(message);
	if (!match) return undefined;
	const [, name = '', file = '', line, text = ''] = match;
	return { is: 'assertion', message: text, function: name, source: { file, line: Number(line) } };
}
