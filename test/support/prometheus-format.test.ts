import { expect, test } from 'vitest';
import { parsePrometheus } from './prometheus-format.js';

const head = (type: string): string => `# HELP a what\n# TYPE a ${type}\n`;
const histogram = (lines: string): string => `${head('histogram')}${lines}a_sum 3\na_count 2\n`;

test('what is written as it should be is read', () => {
  const text = `# HELP a b\\\\c\\nd\n# TYPE a gauge\na{x="1\\"2\\\\3\\n4}",y=""} -1.5e-7\na +Inf\n`;
  expect(parsePrometheus(text)).toEqual([
    {
      ...{ name: 'a', help: 'b\\c\nd', type: 'gauge' },
      samples: [
        { name: 'a', labels: { x: '1"2\\3\n4}', y: '' }, value: -1.5e-7 },
        { name: 'a', labels: {}, value: Number.POSITIVE_INFINITY },
      ],
    },
  ]);
  expect(parsePrometheus(histogram('a_bucket{le="1"} 1\na_bucket{le="+Inf"} 2\n'))[0]?.samples).toHaveLength(4);
});

test.each([
  ['no line feed at its end', 'a 1'],
  ['no TYPE', '# HELP a what\na 1\n'],
  ['no HELP', '# TYPE a gauge\na 1\n'],
  ['another family', `${head('gauge')}b 1\n`],
  ['a family twice', head('gauge') + head('gauge')],
  ['a series twice', `${head('gauge')}a{x="1"} 1\na{x="1"} 2\n`],
  ['a label twice', `${head('gauge')}a{x="1",x="2"} 1\n`],
  ['a name of a label', `${head('gauge')}a{x.y="1"} 1\n`],
  ['an open text', `${head('gauge')}a{x="1} 1\n`],
  ['an unknown escape', `${head('gauge')}a{x="\\t"} 1\n`],
  ['no number', `${head('gauge')}a undefined\n`],
  ['a counter below 0', `${head('counter')}a -1\n`],
  ['an unknown type', head('upDownCounter')],
  ['a histogram without +Inf', histogram('a_bucket{le="1"} 2\n')],
  ['buckets that fall', histogram('a_bucket{le="1"} 3\na_bucket{le="+Inf"} 2\n')],
  ['buckets out of order', histogram('a_bucket{le="2"} 1\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 2\n')],
  ['another count', histogram('a_bucket{le="+Inf"} 3\n')],
])('what has %s is refused', (_, text) => {
  expect(() => parsePrometheus(text)).toThrow();
});
