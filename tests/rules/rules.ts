/** Small rules for tests. */
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { Random } from '../../server/training/random.ts';

export function randomRule(randomSeed: number, hidden = 8, scale = 0.2): Rule {
  const random = new Random(randomSeed);
  const values = (length: number): Float32Array =>
    Float32Array.from({ length }, () => random.between(-scale, scale));
  return {
    name: 'test-rule',
    hidden,
    w1: values(hidden * PERCEPTION),
    b1: values(hidden),
    w2: values(CHANNELS * hidden),
    b2: values(CHANNELS),
    fireRate: 0.5,
    metadata: { trainingCommand: 'none', wörter: 'ä\n"\\' },
  };
}
