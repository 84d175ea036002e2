import { z } from 'zod';

/** The same schema, which takes objects that have more than it knows, at any depth, and leaves that out: a newer version may have written them. */
export function open<S extends z.ZodType>(schema: S): S {
	const meta = schema.meta();
	const opened = withOpenParts(schema);
	return (meta ? opened.meta(meta) : opened) as S;
}

function withOpenParts(schema: z.ZodType): z.ZodType {
	if (schema instanceof z.ZodObject)
		return z.object(Object.fromEntries(Object.entries(schema.shape).map(([name, part]) => [name, open(part as z.ZodType)])));
	if (schema instanceof z.ZodExactOptional) return open(schema.unwrap() as z.ZodType).exactOptional();
	if (schema instanceof z.ZodArray) return z.array(open(schema.element as z.ZodType));
	return schema;
}
