import type { Suspect } from '../culprit/culprit.ts';

/** What a Go panic is about, by its value, and by the functions of the runtime that raise it (runtime/panic.go, error.go, chan.go, map.go). */
const types: readonly (readonly [type: string, value: RegExp, raisedBy: RegExp])[] = [
	['divide', /divide by zero/, /^runtime\.panicdivide/],
	['bounds', /out of range|slice bounds|slice length/, /^runtime\.(?:goP|p)anic(?:Bounds|Index|Slice|ExtendBounds)/i],
	['channel', /closed channel|nil channel/, /^runtime\.(?:closechan|chansend|selectgo)/],
	['map', /nil map/, /^(?:internal\/runtime\/maps|runtime)\.\S*(?:mapassign|PutSlot)/],
	['conversion', /interface conversion/, /^runtime\.(?:panicdottype|panicnildottype|typeAssert|assertE2I)/],
	['make', /makeslice|makechan/, /^runtime\.(?:panicmakeslice|makeslice|makechan)/],
	['nil', /nil pointer dereference|invalid memory address/, /^runtime\.(?:sigpanic|panicmem)/],
];

/** The same for the same panic, told by a log or by a stack; `value` for one that the program raised itself. */
export function goPanicType(message: string | null, frames: readonly Suspect[]): string {
	const found = types.find(([, value, raisedBy]) =>
		message === null ? frames.some(({ name }) => raisedBy.test(name)) : value.test(message),
	);
	return found?.[0] ?? 'value';
}
