import { expect, test } from 'vitest';
import { metricsTogether } from '../../server/metrics/together.ts';

const MEADOW = `# HELP regrow_players Visits.
# TYPE regrow_players gauge
regrow_players 3

# HELP regrow_frame_seconds A frame.
# TYPE regrow_frame_seconds histogram
regrow_frame_seconds_bucket{le="0.1"} 4
regrow_frame_seconds_bucket{le="+Inf"} 5
regrow_frame_seconds_sum 0.25
regrow_frame_seconds_count 5
`;
const REEF = `# HELP regrow_players Other words.
# TYPE regrow_players gauge
regrow_players 1
# HELP regrow_up Up.
# TYPE regrow_up gauge
regrow_up{a="b{c} 7"} 1
`;

test('series of one metric stand together under one head, each with the labels of its source', () => {
  const text = metricsTogether([
    { labels: { world: 'meadow' }, text: MEADOW },
    { labels: { world: 'reef' }, text: REEF },
  ]);
  expect(text).toBe(`# HELP regrow_players Visits.
# TYPE regrow_players gauge
regrow_players{world="meadow"} 3
regrow_players{world="reef"} 1

# HELP regrow_frame_seconds A frame.
# TYPE regrow_frame_seconds histogram
regrow_frame_seconds_bucket{le="0.1",world="meadow"} 4
regrow_frame_seconds_bucket{le="+Inf",world="meadow"} 5
regrow_frame_seconds_sum{world="meadow"} 0.25
regrow_frame_seconds_count{world="meadow"} 5

# HELP regrow_up Up.
# TYPE regrow_up gauge
regrow_up{a="b{c} 7",world="reef"} 1
`);
});

test('what is no series is left out, and labels are escaped', () => {
  const text = `<html>\n# HELP regrow_a A.\n# TYPE regrow_a gauge\nregrow_a 1\nnonsense\n`;
  expect(metricsTogether([{ labels: { who: 'a"b\\' }, text }])).toBe(
    '# HELP regrow_a A.\n# TYPE regrow_a gauge\nregrow_a{who="a\\"b\\\\"} 1\n',
  );
});
