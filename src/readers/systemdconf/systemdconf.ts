export { type CoredumpSettings, coredumpSettings, type SpaceLimits, spaceLimits } from './coredump.ts';
export { inOrder } from './order.ts';
export { type HandlerLimits, handlerLimits } from './units.ts';
