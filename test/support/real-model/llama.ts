import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What is used of node-llama-cpp, which is no dependency of this package. */
type Library = {
	getLlama(options: object): Promise<{
		loadModel(options: object): Promise<Model>;
		createGrammar(options: { readonly grammar: string }): Promise<object>;
	}>;
	LlamaCompletion: new (options: {
		readonly contextSequence: Sequence;
	}) => {
		generateCompletionWithMeta(tokens: readonly number[], options: object): Promise<Completed>;
	};
};
type Model = {
	tokenize(text: string, isSpecial: boolean): number[];
	createContext(options: object): Promise<{ getSequence(): Sequence }>;
};
type Sequence = object;
type Completed = { readonly response: string; readonly metadata: { readonly stopReason: string } };

export type Message = { readonly role: string; readonly content: string };

export type Wish = {
	readonly maxTokens: number;
	readonly temperature: number;
	/** In GBNF; absent: any text. */
	readonly grammar?: string;
};

/** Counts are in tokens. */
export type Written = { readonly text: string; readonly isCut: boolean; readonly inTokens: number; readonly outTokens: number };

export class TooLong extends Error {}

/** In tokens, question and answer together: half of what the model was made for. */
const contextTokens = 4096;

/**
 * Loads the model, which takes some seconds.
 *
 * @param folder as `build.sh` prints it
 * @returns writes what comes behind these messages, for one at a time; what it has read of the ones before it does not read again. Throws the signal's
 * reason, and `TooLong`.
 */
export async function llamaIn(
	folder: string,
): Promise<(messages: readonly Message[], wish: Wish, signal: AbortSignal) => Promise<Written>> {
	const { getLlama, LlamaCompletion }: Library = await import(
		pathToFileURL(join(folder, 'node_modules/node-llama-cpp/dist/index.js')).href
	);
	// More threads wait for each other without sleep, which is many times slower where other tests want the same cores.
	const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'error', maxThreads: 1 });
	const model = await llama.loadModel({ modelPath: join(folder, 'model.gguf') });
	const contextSequence = (await model.createContext({ contextSize: contextTokens, sequences: 1 })).getSequence();
	const completion = new LlamaCompletion({ contextSequence });

	return async (messages, { maxTokens, temperature, grammar }, signal) => {
		const tokens = tokensOf(model, messages);
		const left = contextTokens - tokens.length;
		if (left <= 0)
			throw new TooLong(
				`request (${tokens.length} tokens) exceeds the available context size (${contextTokens} tokens), try increasing it`,
			);
		signal.throwIfAborted();
		let outTokens = 0;
		const { response, metadata } = await completion.generateCompletionWithMeta(tokens, {
			maxTokens: Math.min(maxTokens, left),
			temperature,
			seed: 1,
			signal,
			disableContextShift: true,
			onToken: (more: readonly number[]) => {
				outTokens += more.length;
			},
			...(grammar !== undefined && { grammar: await llama.createGrammar({ grammar }) }),
		});
		return { text: response, isCut: metadata.stopReason === 'maxTokens', inTokens: tokens.length, outTokens };
	};
}

/** In the form that this model learnt (ChatML). What looks like a mark of it in a message is text. */
function tokensOf(model: Model, messages: readonly Message[]): number[] {
	const mark = (text: string) => model.tokenize(text, true);
	const said = messages.flatMap(({ role, content }) => [
		...mark(`<|im_start|>${role}\n`),
		...model.tokenize(content, false),
		...mark('<|im_end|>\n'),
	]);
	return [...said, ...mark('<|im_start|>assistant\n')];
}
