import { colours, type Paint, plain } from '../report/report.ts';

/** Colours where they are seen: on a terminal, unless NO_COLOR says otherwise. */
export const isColoured = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && !process.env.NO_COLOR;

export const paintFor = (stream: NodeJS.WriteStream): Paint => (isColoured(stream) ? colours : plain);

export const writeJson = (value: unknown) => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
