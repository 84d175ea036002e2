import type { Failed, ModelProvider } from '../../domain/model-provider.ts';

/**
 * Whether a model answers, by asking as little as can be asked.
 *
 * @returns what does not work
 * @throws the signal's reason
 */
export async function problemOfModel(provider: ModelProvider, signal: AbortSignal): Promise<Failed | undefined> {
	const question = { system: 'Answer with one word.', user: 'Ready?', maxTokens: 8, temperature: 0, wantsJson: false };
	const reply = await provider.ask(question, signal);
	return reply.is === 'failed' && reply.class !== 'used up' ? reply : undefined;
}
