import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { page, projectFolder } from '../support/documentation.js';

const { screenOf, svgOf } = (await import(`${projectFolder}scripts/terminal-svg.mjs`)) as {
  screenOf(recording: string): { text: string }[][];
  svgOf(lines: { text: string }[][], title: string): string;
};

const shown = (recording: string): string[] => screenOf(recording).map((line) => line.map(({ text }) => text).join(''));

test('a recording is drawn as the screen at its end', () => {
  const recording =
    'Script started on today\n1 of 2\r\u001b[K2 of 2\r\nrun\r\n50 %\r\n\r\u001b[2A\u001b[J\u001b[1mdone\u001b[22m\r\n';
  expect(shown(recording)).toEqual(['2 of 2', 'done']);
});

test('a control sequence that is not known is refused, not drawn as text', () => {
  expect(() => screenOf('a\u001b[5n')).toThrow('not drawn: "\\u001b[5n"');
  expect(() => screenOf('a\u001b]8;;x')).toThrow('not drawn');
  expect(() => screenOf('\u001b[48;5;1m')).toThrow('not drawn: 48');
});

test('what a program prints cannot become a part of the picture', () => {
  const picture = svgOf(screenOf('<script>&amp;</script>'), '<b>');
  expect(picture).toContain('&lt;script&gt;&amp;amp;&lt;/script&gt;');
  expect(picture).toContain('<title>&lt;b&gt;</title>');
});

test('the picture of the README has a light and a dark theme, and less than 60 kB', () => {
  expect(page('README.md').text).toContain('](docs/npm-start.svg)');
  expect(page('docs/npm-start.svg').text).toContain('@media (prefers-color-scheme:dark)');
  expect(statSync(`${projectFolder}docs/npm-start.svg`).size).toBeLessThan(60_000);
});
