/**
 * An engine whose changes between steps are told to a listener. Whatever changes cells without stepping is told, except
 * `load`, with which a world begins.
 */
import { type Engine, type EngineState, isSamePage, type PageState } from '../engines/engine.ts';
import type { EngineAct, RuleName } from './acts.ts';

export interface EngineListener {
  /** Names the rule in a slot. */
  nameOf(slot: number): RuleName;
  /** Called when the engine has done it. @param pages - of the act `cells` */
  did(act: EngineAct, pages?: readonly PageState[]): void;
}

/** @param engine - bodies that are put into it must be those that watched swaps have set aside: entries only name them */
export function recordedEngine(engine: Engine, listener: EngineListener): Engine {
  const own: Partial<Engine> = {
    plant(organism, slot, x, y, territory) {
      engine.plant(organism, slot, x, y, territory);
      listener.did({ act: 'plant', organism, rule: listener.nameOf(slot), x, y, territory });
    },
    setTerritory(organism, territory) {
      engine.setTerritory(organism, territory);
      listener.did({ act: 'territory', organism, territory });
    },
    setOrganismRule(organism, slot) {
      engine.setOrganismRule(organism, slot);
      listener.did({ act: 'rule', organism, rule: listener.nameOf(slot) });
    },
    remove(organism) {
      engine.remove(organism);
      listener.did({ act: 'remove', organism });
    },
    async sleep(organism) {
      await engine.sleep(organism);
      listener.did({ act: 'sleep', organism });
    },
    wake(organism) {
      engine.wake(organism);
      listener.did({ act: 'wake', organism });
    },
    perturb(perturbation) {
      engine.perturb(perturbation);
      listener.did({ act: 'perturb', perturbation });
    },
    async putBodies(bodies) {
      await engine.putBodies(bodies);
      listener.did({ act: 'bodies', organisms: [...bodies.keys()] });
    },
    async restore(state) {
      const before = await engine.save();
      await engine.restore(state);
      const pages = changedPages(before, state);
      listener.did({ act: 'cells', pages: pages.length }, pages);
    },
  };
  // Some are called thousands of times in a frame.
  const bound = new Map<PropertyKey, readonly [value: unknown, bound: unknown]>();
  return new Proxy(engine, {
    get(target, key) {
      if (Object.hasOwn(own, key)) return own[key as keyof Engine];
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const known = bound.get(key);
      if (known !== undefined && known[0] === value) return known[1];
      const method: unknown = value.bind(target);
      bound.set(key, [value, method]);
      return method;
    },
  });
}

/** The pages of `after` that differ from those of `before`, and empty ones in the place of those that are gone. */
function changedPages(before: EngineState, after: EngineState): PageState[] {
  const old = new Map(before.pages.map((page) => [page.page, page]));
  const changed: PageState[] = [];
  for (const page of after.pages) {
    const was = old.get(page.page);
    old.delete(page.page);
    if (was === undefined || !isSamePage(was, page)) changed.push(page);
  }
  for (const { page, cells, owners } of old.values())
    changed.push({
      page,
      cells: new Float32Array(cells.length),
      owners: new Uint16Array(owners.length),
    });
  return changed;
}
