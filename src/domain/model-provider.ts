import type { EpochMs } from './stage.ts';

export const modelServices = ['glm', 'openai', 'openai-compatible'] as const;
export type ModelService = (typeof modelServices)[number];

/** A language model of a service, which answers one question at a time and remembers nothing of it. */
export interface ModelProvider {
	readonly service: ModelService;
	readonly model: string;

	/**
	 * Asks once. What does not work is a reply too, of a class that says what helps; trying again is the caller's.
	 *
	 * @throws the signal's reason, and nothing else
	 */
	ask(question: Question, signal: AbortSignal): Promise<Reply>;
}

export type Question = {
	/** What the model is to be, and how it is to answer. */
	readonly system: string;
	readonly user: string;
	/** The longest answer. */
	readonly maxTokens: number;
	/** 0: the most likely answer. */
	readonly temperature: number;
	/** The answer shall be a JSON object, where the service can promise that; the question has to ask for it in words all the same. */
	readonly wantsJson: boolean;
	/** The JSON Schema of that object, for services that hold a model to it. All keys are required, and there are no others. */
	readonly schema?: Readonly<Record<string, unknown>>;
};

export type Reply = Answered | Failed;

export type Answered = {
	readonly is: 'answer';
	/** As the model wrote it; it may stand in a code fence, or behind the model's thoughts. */
	readonly text: string;
	/** The longest answer was reached: the rest is missing. */
	readonly isCut?: true;
	/** As the service calls it. */
	readonly model: string;
	/** Absent: the service does not say. */
	readonly usage?: Usage;
};

export type Failed = {
	readonly is: 'failed';
	readonly class: FailureClass;
	readonly retry: Retry;
	/** With `later`: not before, where the service says so or it is known from its rules. */
	readonly retryAt?: EpochMs;
	/** Where it is counted all the same. */
	readonly usage?: Usage;
	/** One line for people: what is wrong, and what the service says. No key is in it. */
	readonly words: string;
};

/** In tokens. */
export type Usage = { readonly in: number; readonly out: number };

/**
 * What helps: time, with growing delay; the same question in less words, once; nothing, for this question; nothing, for any question, until somebody
 * changes the configuration or the account.
 */
export type Retry = 'later' | 'shorter' | 'never' | 'when changed';

/** What can be wrong, and what helps then. */
export const retryOf = {
	/** Missing, unreadable, wrong, expired, or without the right to this. */
	key: 'when changed',
	/** Nothing left, or the account is locked. */
	money: 'when changed',
	/** There is no such model, or not for this account. */
	model: 'when changed',
	/** What answers there is no such service. */
	address: 'when changed',
	/** Asked too often, or too much at once. */
	pace: 'later',
	/** The service has too much to do. */
	busy: 'later',
	/** What may be used up to a certain time is used up. */
	quota: 'later',
	'too long': 'shorter',
	/** The longest answer was reached before it began: the model thought so much. */
	'used up': 'never',
	/** Question or answer are not wanted, by the service or by the model. */
	blocked: 'never',
	/** The service does not understand it. */
	'bad request': 'never',
	/** No connection, or it was cut. */
	unreachable: 'later',
	timeout: 'later',
	/** It can't be read, or nothing is in it. */
	'broken answer': 'later',
	'service error': 'later',
} as const satisfies Record<string, Retry>;

export type FailureClass = keyof typeof retryOf;

/** Nothing of question or answer is in it. */
export type ModelCall = {
	readonly service: ModelService;
	readonly model: string;
	readonly method: 'POST';
	/** Without what stands behind `?`. */
	readonly address: string;
	/** `****1a2b`; absent: none was sent. */
	readonly key?: string;
} & (
	| {
			readonly is: 'request';
			readonly sizeBytes: number;
			/** What the service refused before: `no temperature`. */
			readonly adapted: readonly string[];
	  }
	| {
			readonly is: 'response';
			/** HTTP; absent: there was no answer. */
			readonly status?: number;
			readonly ms: number;
			/** `adapted`: a parameter was refused, and the question is asked again without it. */
			readonly outcome: 'answer' | 'adapted' | FailureClass;
	  }
);

/** Whether a service is asked: `open`: not before a time; `stopped`: not until something is changed; as that may be the account, one
 * question an hour finds out. */
export type BreakerState =
	| { readonly is: 'closed' }
	| { readonly is: 'open'; readonly until: EpochMs; readonly reason: string }
	| { readonly is: 'stopped'; readonly until: EpochMs; readonly reason: string };
