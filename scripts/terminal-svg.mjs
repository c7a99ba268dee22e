// Turns the recording of a terminal into an SVG: what stands on the screen at its end, in the light or the dark theme of
// the reader's browser. How docs/npm-start.svg was made:
//
//   script -qec 'stty cols 96; npm start' recording.txt
//   node scripts/terminal-svg.mjs recording.txt docs/npm-start.svg 'npm start'
//
// It knows the control sequences that this project's own output has, and refuses all others, so that no picture shows
// them as text.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const cell = { width: 8.1, height: 18 };
const padding = { x: 18, top: 44, bottom: 16 };

/** Names of the eight colours of a terminal, in the order of their numbers: 30 to 37, and 90 to 97 when bright. */
const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const light = ['#24292f', '#b42318', '#1a7f37', '#8a6100', '#0550ae', '#8250df', '#0b6e7f', '#57606a'];
const dark = ['#6e7681', '#ff8a80', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#c9d1d9'];

/** Eighths of a cell that a block character fills, and from which side. */
const fromBelow = '▁▂▃▄▅▆▇█';
const fromLeft = '▏▎▍▌▋▊▉█';

/** The style after a sequence "…m". */
function styled(style, parameters) {
  let next = style;
  for (const number of parameters === '' ? [0] : parameters.split(';').map(Number)) {
    if (number === 0) next = {};
    else if (number === 1) next = { ...next, bold: true };
    else if (number === 2) next = { ...next, dim: true };
    else if (number === 22) next = { ...next, bold: false, dim: false };
    else if (number === 39) next = { ...next, colour: undefined };
    else if (number >= 30 && number <= 37) next = { ...next, colour: colours[number - 30] };
    else if (number >= 90 && number <= 97) next = { ...next, colour: colours[number - 90] };
    else throw new Error(`the recording has a style that is not drawn: ${number}`);
  }
  return next;
}

/** The lines of the screen at the end of a recording: for each the characters with their styles. */
export function screenOf(recording) {
  const lines = [[]];
  let row = 0;
  let column = 0;
  let style = {};
  const text = recording.replace(/^Script started on .*\n/, '').replace(/\n?Script done on .*\n?$/, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
  for (const [part, parameters, letter] of text.matchAll(/\u001b\[([\d;?]*)([A-Za-z])|[\s\S]/gu)) {
    if (letter === 'm') style = styled(style, parameters);
    else if (letter === 'A') row = Math.max(0, row - Number(parameters || 1));
    else if (letter === 'G') column = Number(parameters || 1) - 1;
    else if (letter === 'K') lines[row].length = Math.min(lines[row].length, column);
    else if (letter === 'J') {
      lines[row].length = Math.min(lines[row].length, column);
      lines.length = row + 1;
    } else if (letter !== undefined || part === '\u001b') {
      throw new Error(`the recording has a sequence that is not drawn: ${JSON.stringify(part)}`);
    } else if (part === '\r') column = 0;
    else if (part === '\n') {
      row++;
      while (lines.length <= row) lines.push([]);
    } else {
      while (lines[row].length < column) lines[row].push({ text: ' ', style: {} });
      lines[row][column++] = { text: part, style };
    }
  }
  while (lines.length > 0 && lines.at(-1).every(({ text }) => text === ' ')) lines.pop();
  return lines;
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const number = (value) => String(Math.round(value * 100) / 100);

function classOf({ bold, dim, colour }) {
  const names = [bold && 'bold', dim && 'dim', colour].filter(Boolean);
  return names.length === 0 ? '' : ` class="${names.join(' ')}"`;
}

/** Blocks are drawn, because fonts disagree on how wide they are. */
function blockOf(text, x, y) {
  const height = fromBelow.indexOf(text) + 1;
  const width = fromLeft.indexOf(text) + 1;
  if (width > 0) return { x, y: y + 2, width: (cell.width * width) / 8, height: cell.height - 4 };
  const tall = ((cell.height - 4) * height) / 8;
  return height > 0 ? { x, y: y + 2 + (cell.height - 4 - tall), width: cell.width, height: tall } : undefined;
}

/** One line: its text by runs of one style, and its blocks, those that touch joined to one. */
function drawLine(line, y) {
  const parts = [];
  for (let at = 0; at < line.length; ) {
    const { text, style } = line[at];
    let block = blockOf(text, padding.x + at * cell.width, y);
    let end = at + 1;
    if (block !== undefined) {
      for (; end < line.length; end++) {
        const next = blockOf(line[end].text, padding.x + end * cell.width, y);
        if (next?.y !== block.y || next.height !== block.height || line[end].style !== style) break;
        block = { ...block, width: next.x + next.width - block.x };
      }
      const { x, width, height } = block;
      const place = `x="${number(x)}" y="${number(block.y)}" width="${number(width)}" height="${number(height)}"`;
      parts.push(`<rect${classOf({ ...style, colour: style.colour ?? 'bar' })} ${place}/>`);
    } else if (text !== ' ') {
      // Two spaces end a run: what stands behind them keeps its column in any font.
      const ends = (index) =>
        line[index].style !== style ||
        blockOf(line[index].text, 0, 0) !== undefined ||
        (line[index].text === ' ' && (line[index + 1]?.text ?? ' ') === ' ');
      while (end < line.length && !ends(end)) end++;
      const run = line
        .slice(at, end)
        .map((one) => one.text)
        .join('')
        .trimEnd();
      const x = number(padding.x + at * cell.width);
      const width = number([...run].length * cell.width);
      const place = `x="${x}" y="${number(y + 13)}" textLength="${width}"`;
      parts.push(`<text${classOf(style)} ${place}>${escaped(run)}</text>`);
    }
    at = end;
  }
  return parts.join('');
}

/** The picture of a screen, with a title for those who do not see it. */
export function svgOf(lines, title, columns = Math.max(...lines.map(({ length }) => length))) {
  const width = Math.ceil(columns * cell.width + 2 * padding.x);
  const height = padding.top + lines.length * cell.height + padding.bottom;
  const palette = (values) => colours.map((name, index) => `.${name}{fill:${values[index]}}`).join('');
  const drawn = lines.map((line, index) => drawLine(line, padding.top + index * cell.height)).filter(Boolean);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>
text{font:13.5px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#24292f;white-space:pre}
.bold{font-weight:bold}.dim{opacity:.65}.frame{fill:#f6f8fa;stroke:#d0d7de}.bar{fill:#0969da}
${palette(light)}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.frame{fill:#0d1117;stroke:#30363d}.bar{fill:#58a6ff}${palette(dark)}}
</style>
<rect class="frame" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
${drawn.join('\n')}
</svg>
`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [recording, picture, command] = process.argv.slice(2);
  if (recording === undefined || picture === undefined || command === undefined) {
    console.error('usage: node scripts/terminal-svg.mjs RECORDING PICTURE.svg COMMAND');
    process.exit(2);
  }
  const bold = { bold: true };
  const prompt = [...`$ ${command}`].map((text) => ({ text, style: bold }));
  const lines = [prompt, ...screenOf(readFileSync(recording, 'utf8'))];
  writeFileSync(picture, svgOf(lines, `A terminal in which "${command}" has run`));
}
