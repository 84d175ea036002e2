/** An address or register as it leaves a reader: lower case, with `0x`, without leading zeros. */
export type Hex = `0x${string}`;

export const hex = (value: bigint | number): Hex => `0x${value.toString(16)}`;
