import type { z } from 'zod';
import type { KeyMeta } from './schema.ts';

/** Stands in the path of a field for the number of an item. */
const anyItem = '*';

/** One key of a file, or one section. */
export type Field = {
	readonly path: readonly string[];
	/** Its own, with what it inherits: a key in a planned section is planned. */
	readonly meta: KeyMeta;
	readonly type: z.core.$ZodType;
	readonly isSection: boolean;
};

/** All sections and keys, in their order. */
export function* fieldsOf(schema: z.ZodType, path: readonly string[] = [], inherited: KeyMeta = {}): Generator<Field> {
	for (const [name, field] of Object.entries(shapeOf(schema) ?? {})) {
		const meta: KeyMeta = { ...(inherited.planned ? { planned: true } : {}), ...(field.meta() as KeyMeta | undefined) };
		const isSection = shapeOf(field) !== undefined;
		yield { path: [...path, name], meta, type: unwrapped(field), isSection };
		if (isSection) yield* fieldsOf(field, [...path, name], meta);
		const { element } = unwrapped(field).def;
		if (element) yield* fieldsOf(element, [...path, name, anyItem], meta);
	}
}

type Wrapped = z.ZodType & {
	readonly def: { readonly innerType?: Wrapped; readonly element?: Wrapped };
	readonly shape?: Readonly<Record<string, z.ZodType>>;
};

/** The type without its default and the like. */
function unwrapped(schema: z.ZodType): Wrapped {
	const { innerType } = (schema as Wrapped).def;
	return innerType ? unwrapped(innerType) : (schema as Wrapped);
}

const shapeOf = (schema: z.ZodType) => unwrapped(schema).shape;

/** Whether a place in a file is that of a field. */
export const isAt = (place: readonly PropertyKey[], field: readonly string[]) =>
	place.length === field.length &&
	field.every((part, index) => place[index] === part || (part === anyItem && Number.isInteger(place[index])));

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>(
		(inner, name) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[name] : undefined),
		value,
	);
}
