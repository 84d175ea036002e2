import type { Agenda } from './agenda.ts';
import type { Log } from './log.ts';
import { minute, type Plan, second } from './plan.ts';
import type { Step } from './step.ts';
import type { Life, World } from './world.ts';

export type Ended = { readonly is: 'done' | 'failed'; readonly words: string };
export type Ends = ReturnType<typeof ends>;

/** How an instance ends: by whoever leads, or by somebody else; and how it comes back. */
export function ends(agenda: Agenda, world: World, plan: Plan, random: () => number, log: Log) {
	const between = (least: number, most: number) => least + random() * (most - least);
	const byHelm = plan.kind === 'helm';

	/** Its pods take a while; so does the operator, and it may not run. */
	function goes(life: Life): void {
		life.is = 'ending';
		const takes = random() < 0.15 ? between(9 * minute, 40 * minute) : between(0, 4 * minute);
		agenda.at(agenda.now + (byHelm && random() < 0.5 ? 0 : takes), () => {
			life.goneAt = agenda.now;
			const luck = random();
			// The operator, which goes over all that it has made; or whoever wants it.
			if (luck < 0.15) agenda.at(agenda.now + between(0, 10 * minute), installed);
			else if (luck < 0.6) agenda.at(agenda.now + between(0, 80 * minute), installed);
		});
	}

	function installed(): void {
		if (!world.here()) world.install();
	}

	/** Somebody uninstalls it, and does not ask who else does. */
	function bySomebody(): void {
		const life = world.here();
		if (life?.is === 'whole') goes(life);
	}

	/** Somebody uninstalls it, and installs it at once. */
	function exchange(): void {
		const life = world.here();
		if (life?.is !== 'whole') return;
		life.goneAt = agenda.now;
		world.install();
	}

	for (const at of plan.ends) agenda.at(at, bySomebody);

	/** Helm deletes one after the other; whoever cuts it off leaves a half. It asks for no uid. */
	function* uninstall(by: string, uid: string): Generator<Step, Ended> {
		yield { takes: between(0, 3 * second), isActing: true };
		const life = world.here();
		if (!life || life.is === 'ending') return { is: 'done', words: 'release: not found' };
		const luck = random();
		if (luck < 0.4) return { is: 'failed', words: 'it was refused' };
		life.is = 'half';
		log({ is: 'act', by, uid, hits: life.uid });
		for (let objects = 0; objects < 4; objects++) {
			yield { takes: between(0, 30 * second), isActing: true };
			if (random() < 0.3) life.hasPods = false;
		}
		log({ is: 'act ends', by, uid });
		if (luck < 0.6) return { is: 'failed', words: 'timed out' };
		if (life.is === 'half') goes(life);
		return { is: 'done', words: 'release uninstalled' };
	}

	/** The operator does the work; this only asks, for what has that uid. */
	function* remove(by: string, uid: string): Generator<Step, Ended> {
		yield { takes: between(0, 3 * second), isActing: true };
		const life = world.here();
		if (!life) return { is: 'done', words: 'gone already' };
		if (life.uid !== uid) return { is: 'failed', words: 'conflict' };
		if (random() < 0.4) return { is: 'failed', words: 'it was refused' };
		log({ is: 'act', by, uid, hits: life.uid });
		if (life.is !== 'ending') goes(life);
		log({ is: 'act ends', by, uid });
		yield { takes: between(0, 3 * second), isActing: true };
		return { is: 'done', words: 'deleted' };
	}

	return { bySomebody, exchange, act: byHelm ? uninstall : remove };
}
