import { keyOfInstance } from '../../domain/crash-facts.ts';
import type { Instance } from '../../domain/pod.ts';
import type { InstanceContents } from './contents/contents.ts';

/** Of what an instance consists, as it was found out a while ago at most: that takes many requests. @param ageMs not older */
export function recalling(ageMs: number) {
	const known = new Map<string, { readonly at: number; readonly found: InstanceContents }>();
	const isYoung = (at: number) => performance.now() - at < ageMs;
	return {
		async of(instance: Instance, find: () => Promise<InstanceContents>): Promise<InstanceContents> {
			const key = keyOfInstance(instance);
			const before = known.get(key);
			if (before && isYoung(before.at)) return before.found;
			const found = await find();
			known.set(key, { at: performance.now(), found });
			return found;
		},
		/** Of instances that nobody asks for any more. */
		forget(): void {
			for (const [key, { at }] of known) if (!isYoung(at)) known.delete(key);
		},
	};
}
