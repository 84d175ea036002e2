import { defined } from '../../base/defined.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { ServiceError } from './error.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** No quota lasts longer; who says so is not believed. */
const longestMs = 31 * dayMs;
/** The services count days, and tell times, in China's time, which has no summer. */
const chinaMs = 8 * hourMs;

/** When a service that has had enough may be asked again, by its header `retry-after`. */
export function retryAfter(headers: Headers, now: EpochMs): { readonly retryAt?: EpochMs } {
	const value = headers.get('retry-after')?.trim() ?? '';
	const at = /^\d+(\.\d+)?$/.test(value) ? now + Number(value) * 1000 : Date.parse(value);
	return defined({ retryAt: believable(at, now) });
}

/**
 * When a quota is there again: by header, by the time that GLM's message tells (`您的限额将在 2026-08-25 07:41:44 重置`), with the next day for a
 * quota of a day (1304), else in an hour.
 */
export function quotaBack(headers: Headers, { code, message }: ServiceError, now: EpochMs): { readonly retryAt: EpochMs } {
	const { retryAt } = retryAfter(headers, now);
	const [, day, time] = /(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/.exec(message) ?? [];
	const told = believable(Date.parse(`${day}T${time}+08:00`), now);
	const nextDay = Math.ceil((now + chinaMs + 1) / dayMs) * dayMs - chinaMs;
	return { retryAt: retryAt ?? told ?? (code === '1304' ? nextDay : now + hourMs) };
}

const believable = (at: number, now: EpochMs) => (at > now ? Math.min(Math.ceil(at), now + longestMs) : undefined);
