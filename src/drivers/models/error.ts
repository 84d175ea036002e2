import { z } from 'zod';

/** An answer that is none, as the service tells it. */
export type ServiceError = {
	/** HTTP. */
	readonly status: number;
	/** A number in it is written out. */
	readonly code?: string;
	readonly type?: string;
	/** The parameter that is at fault. */
	readonly param?: string;
	/** Empty: it says nothing that can be read. Nothing in it is to be trusted. */
	readonly message: string;
};

const text = z.string().min(1).optional().catch(undefined);
const code = z
	.union([z.string().min(1), z.number().transform(String)])
	.optional()
	.catch(undefined);
const told = z.object({ code, type: text, param: text, message: text, msg: text });
/** FastAPI's form, of vLLM and others. */
const detail = z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })).min(1);
const wrapped = z.object({ error: told });
/** GLM leaves the outer `error` out at times, Ollama's has no inside. */
const bare = told.refine(({ code, message, msg }) => code !== undefined || message !== undefined || msg !== undefined);
const inWords = z.object({ error: z.string().min(1) });
const inDetail = z.object({ detail: z.union([detail, z.string().min(1)]) });

/** @returns undefined for what is no error in any form that is known */
export function readError(status: number, body: unknown): ServiceError | undefined {
	const inner = wrapped.safeParse(body).data?.error ?? bare.safeParse(body).data;
	if (inner !== undefined) {
		const { message, msg, ...rest } = inner;
		return { status, ...present(rest), message: message ?? msg ?? '' };
	}
	const words = inWords.safeParse(body).data?.error;
	if (words !== undefined) return { status, message: words };
	const details = inDetail.safeParse(body).data?.detail;
	if (details === undefined) return undefined;
	if (typeof details === 'string') return { status, message: details };
	const [first] = details;
	return { status, ...present({ param: first?.loc.slice(1).join('.') }), message: details.map(({ msg }) => msg).join('; ') };
}

const present = <T extends Readonly<Record<string, string | undefined>>>(all: T) =>
	Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== '')) as { [K in keyof T]?: string };
