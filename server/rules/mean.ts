import { type Rule, RuleError, TENSORS } from './rule.ts';

/**
 * The weighted mean of rules, value by value. Of polishes of one rule it is often better than each of them ("Model
 * soups", Wortsman et al., 2022, arXiv:2203.05482); of rules that were trained apart it is nothing, because their hidden
 * units do not correspond.
 *
 * @param rules - at least two, with one fire rate and number of hidden units; name and metadata of the mean are the first's
 * @param weights - one for each rule, above 0; only their ratio counts
 * @throws RuleError
 */
export function meanOf(rules: readonly Rule[], weights: readonly number[]): Rule {
  if (rules.length < 2) throw new RuleError('a mean is of at least two rules');
  if (weights.length !== rules.length)
    throw new RuleError(`${rules.length} rules need ${rules.length} weights, not ${weights.length}`);
  const [first] = rules;
  for (const { name, hidden, fireRate } of rules)
    if (hidden !== first.hidden || fireRate !== first.fireRate)
      throw new RuleError(
        `${name} has ${hidden} hidden units and fire rate ${fireRate}, ${first.name} has ${first.hidden} and ${first.fireRate}`,
      );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!weights.every((weight) => weight > 0) || !Number.isFinite(sum))
    throw new RuleError('weights are numbers above 0');
  const [w1, b1, w2, b2] = TENSORS.map((tensor) =>
    first[tensor].map((_, i) =>
      rules.reduce((total, rule, at) => total + (rule[tensor][i] * weights[at]) / sum, 0),
    ),
  );
  return { ...first, w1, b1, w2, b2 };
}
