/** `npm run bench -- <name> [options]`: starts one benchmark. Each prints a table, or JSON with `--json`. */

const BENCHES: Readonly<Record<string, () => Promise<unknown>>> = {
  page: () => import('./page.ts'),
  step: () => import('./step.ts'),
  gpu: () => import('./gpu.ts'),
  fanout: () => import('./fanout.ts'),
  cluster: () => import('./cluster.ts'),
  takeover: () => import('./takeover.ts'),
  codec: () => import('./codec.ts'),
  swap: () => import('./swap.ts'),
  train: () => import('./train.ts'),
  finetune: () => import('./finetune.ts'),
  loop: () => import('./loop.ts'),
  bounds: () => import('./bounds.ts'),
  soak: () => import('./soak.ts'),
  torture: () => import('./torture.ts'),
  journal: () => import('./journal.ts'),
  saves: () => import('./saves.ts'),
  siege: () => import('./siege.ts'),
  idle: () => import('./idle.ts'),
  wilting: () => import('./wilting.ts'),
  nursery() {
    if (process.argv.includes('--players')) return import('./nursery/players.ts');
    if (process.argv.includes('--submitted')) return import('./nursery/submitted.ts');
    return import('./nursery.ts');
  },
};

const [name = ''] = process.argv.slice(2);
if (Object.hasOwn(BENCHES, name)) {
  await BENCHES[name]();
} else {
  console.error(`unknown benchmark "${name}": expected one of ${Object.keys(BENCHES).join(', ')}`);
  process.exit(1);
}
