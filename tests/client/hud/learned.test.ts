import { describe, expect, test } from 'vitest';
import { gainOf, newsOf, savedPercent, titleOf } from '../../../client/hud/learned.ts';
import type { LearnedRule } from '../../../shared/protocol.ts';

const rule: LearnedRule = {
  species: 'pikachu',
  label: 'pikachu v4',
  since: '2026-11-25T02:40:00.000Z',
  session: '2026-11-25T12-10-00.123Z',
  isLastSession: true,
  wounds: 41,
  recoveryBefore: 0.912,
  recoveryAfter: 0.914,
  stepsBefore: 142,
  stepsAfter: 98,
};

describe('what a rule has learned is put into words that its figures support:', () => {
  test.each<[string, Partial<LearnedRule>, string]>([
    ['faster', {}, 'heals the wounds of the last session 31\u00a0% faster'],
    [
      'faster and further',
      { recoveryAfter: 0.97 },
      'heals the wounds of the last session 31\u00a0% faster, and further',
    ],
    [
      'faster but less far',
      { recoveryAfter: 0.8 },
      'heals the wounds of the last session 31\u00a0% faster, but less far',
    ],
    [
      'further, no faster',
      { stepsAfter: 142, recoveryAfter: 0.97 },
      'heals the wounds of the last session further, 91 → 97\u00a0%, though no faster',
    ],
    [
      'further but slower',
      { stepsAfter: 180, recoveryAfter: 0.97 },
      'heals the wounds of the last session further, 91 → 97\u00a0%, but slower',
    ],
    [
      'further, where most do not heal',
      { stepsBefore: null, stepsAfter: null, recoveryAfter: 0.97 },
      'heals the wounds of the last session further, 91 → 97\u00a0%, though no faster',
    ],
    [
      'most wounds heal that did not',
      { stepsBefore: null },
      'heals most of the wounds of the last session, which the rule before it did not',
    ],
    ['no better', { stepsAfter: 142 }, 'has trained on 41 wounds of the last session'],
    [
      'faster by less than half a percent',
      { stepsAfter: 141.8 },
      'has trained on 41 wounds of the last session',
    ],
    ['most wounds no longer heal', { stepsAfter: null }, 'has trained on 41 wounds of the last session'],
    ['one wound', { stepsAfter: 150, wounds: 1 }, 'has trained on a wound of the last session'],
    [
      'not the last session',
      { isLastSession: false },
      'heals the wounds of an earlier session 31\u00a0% faster',
    ],
  ])('%s', (_what, change, text) => {
    expect(gainOf({ ...rule, ...change })).toBe(text);
  });

  test('the percentage is the share of the time before that is saved', () => {
    expect([
      savedPercent(142, 98),
      savedPercent(100, 50),
      savedPercent(100, 130),
      savedPercent(0, 5),
    ]).toEqual([31, 50, -30, 0]);
  });

  test('the title is the rule’s name and version', () => {
    expect(titleOf(rule)).toBe('Pikachu v4');
    expect(titleOf({ label: 'mr-mime v12' })).toBe('Mr Mime v12');
    expect(titleOf({ label: 'mew' })).toBe('Mew');
  });
});

describe('news', () => {
  const older = { ...rule, label: 'mew v2', since: '2026-11-24T00:00:00.000Z' };
  const rules = [rule, older];

  test('are the newest rule at the first visit, and none at the next', () => {
    expect(newsOf(rules, null)).toEqual({ rules: [rule], seen: rule.since });
    expect(newsOf(rules, rule.since)).toEqual({ rules: [], seen: rule.since });
  });

  test('are all rules that came into force since the last visit', () => {
    expect(newsOf(rules, '2026-11-23T00:00:00.000Z')).toEqual({ rules, seen: rule.since });
    expect(newsOf(rules, older.since)).toEqual({ rules: [rule], seen: rule.since });
  });

  test('are none in a world that has learned nothing; rules that come later are news then', () => {
    const first = newsOf([], null);
    expect(first).toEqual({ rules: [], seen: '' });
    expect(newsOf(rules, first.seen).rules).toEqual(rules);
  });

  test('do not repeat an older rule when the newest was rolled back', () => {
    expect(newsOf([older], rule.since)).toEqual({ rules: [], seen: rule.since });
  });
});
