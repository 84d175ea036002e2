import { decide } from '../../../src/components/cleaner/decide.ts';
import { randomOf } from '../candidates.ts';
import { agenda } from './agenda.ts';
import { ends } from './ends.ts';
import { type Care, leader } from './leader.ts';
import type { Entry, Happening } from './log.ts';
import { objects } from './objects.ts';
import { people } from './people.ts';
import { end, isIn, plan, rules, second } from './plan.ts';
import { world } from './world.ts';

export { faults } from './faults.ts';
export type { Care } from './leader.ts';
export type { Entry } from './log.ts';

export type History = { readonly leaders: number; readonly kind: 'helm' | 'operator'; readonly log: readonly Entry[] };

const careful: Care = { take: decide, checksVersion: true, watches: true, looksTwice: true };

/**
 * Some made-up hours of an instance: it crashes in bouts, is killed now and then, is kept for a while by somebody, uninstalled, installed anew, brought back by
 * its operator; and of those who lead: they come and go, are slow, are killed at any step, and sometimes two of them believe to lead.
 *
 * @param care what they are careless about
 */
export function history(seed: number, care: Partial<Care> = {}): History {
	const random = randomOf(seed);
	const planned = plan(random);
	const time = agenda();
	const entries: Entry[] = [];
	const log = (happening: Happening) => {
		entries.push({ ...happening, at: time.now, truth: one.truth(happening.uid) });
		if (happening.is === 'write' && happening.after?.phase !== happening.before?.phase) others.see(happening.after);
	};
	const options = { ...rules, watchMs: planned.kind === 'operator' ? rules.watchMs : 0 };
	const cares = { ...careful, ...care };
	const one = world(time, planned);
	const endings = ends(time, one, planned, random, log);
	const others = people(time, planned, random, endings);
	const place = { agenda: time, world: one, objects: objects(log, cares), ends: endings, log, random, care: cares, options };
	let born = 0;

	function comes(): void {
		if (isIn(planned.nobody, time.now)) {
			time.at(time.now + rules.lookEveryMs, comes);
			return;
		}
		const by = `leader-${born++}`;
		log({ is: 'comes', by, uid: '' });
		const steps = leader(by, place);
		const go = (): void => {
			const { takes, isActing } = steps.next().value;
			time.at(time.now + takes, () => {
				if (random() >= (isActing ? 0.03 : 0.002)) return go();
				log({ is: 'killed', by, uid: '' });
				time.at(time.now + random() * 30 * second, comes);
			});
		};
		go();
	}

	for (let each = 0; each < planned.leaders; each++) time.at(random() * rules.lookEveryMs, comes);
	time.run(end);
	return { leaders: planned.leaders, kind: planned.kind, log: entries };
}
