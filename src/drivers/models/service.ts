import type { FailureClass, ModelService, Question } from '../../domain/model-provider.ts';
import type { ServiceError } from './error.ts';

/** What is different from service to service. */
export type Service = {
	readonly kind: ModelService;
	/** For people. */
	readonly name: string;
	/** Absent: it has to be configured. */
	readonly baseURL?: string;
	readonly needsKey: boolean;
	/** Of the environment, where no key is configured. */
	readonly keyVariable?: string;
	/** What is asked beside `model`, `messages` and `stream`. */
	parameters(question: Question): Parameters;
	/** What an error means by what the service itself says; undefined: the HTTP status has to tell. */
	classOf(error: ServiceError): FailureClass | undefined;
	/** Whether it says that it does not take some parameter, which its `param` or its message then names. */
	isAboutParameter(error: ServiceError): boolean;
};

/** By their names in the request. */
export type Parameters = Readonly<Record<string, unknown>>;

export const jsonObject = { type: 'json_object' };

export const within = (least: number, most: number, value: number) => Math.min(most, Math.max(least, value));
