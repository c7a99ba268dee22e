/**
 * Lines over a number of callers, both axes logarithmic, as an SVG that needs nothing else.
 *
 * @typedef {{ name: string, points: readonly (readonly [x: number, y: number])[] }} Line
 */

const width = 760;
const height = 420;
const margin = { left: 70, right: 190, top: 40, bottom: 50 };
const colours = ['#ff00a0', '#4b5563', '#0e9f6e', '#9061f9', '#c27803'];

/**
 * @param {string} title
 * @param {string} across what the points stand over
 * @param {string} up what they say
 * @param {readonly Line[]} lines
 */
export function curve(title, across, up, lines) {
  const points = lines.flatMap((line) => line.points);
  const [left, right] = bounds(points.map(([x]) => x));
  const [low, high] = bounds(points.map(([, y]) => y));
  /** @param {number} x */
  const atX = (x) => round(margin.left + scaled(x, left, right) * (width - margin.left - margin.right));
  /** @param {number} y */
  const atY = (y) => round(height - margin.bottom - scaled(y, low, high) * (height - margin.top - margin.bottom));
  const horizontal = powers(low, high, 10).map(
    (y) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${atY(y)}" y2="${atY(y)}" stroke="#e5e7eb"/>` +
      `<text x="${margin.left - 8}" y="${atY(y) + 4}" text-anchor="end">${y.toLocaleString('en-US')}</text>`,
  );
  const vertical = [...new Set(points.map(([x]) => x))].map(
    (x) => `<text x="${atX(x)}" y="${height - margin.bottom + 18}" text-anchor="middle">${x}</text>`,
  );
  const drawn = lines.map(({ name, points: own }, index) => {
    const colour = colours[index % colours.length];
    const path = own.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${atX(x)} ${atY(y)}`).join('');
    const [x, y] = own.at(-1) ?? [left, low];
    return (
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2.5"/>` +
      `<text x="${atX(x) + 8}" y="${atY(y) + 4}" fill="${colour}">${name}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#4b5563">`,
    `<title>${title}: ${up} by ${across}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin.left}" y="22" font-size="15" font-weight="bold">${title}</text>`,
    ...horizontal,
    ...vertical,
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 10}" text-anchor="middle">${across}</text>`,
    `<text x="16" y="${(height - margin.bottom + margin.top) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(height - margin.bottom + margin.top) / 2})">${up}</text>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {readonly number[]} values
 * @returns {[number, number]}
 */
function bounds(values) {
  return [Math.min(...values), Math.max(...values)];
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function scaled(value, low, high) {
  return (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low));
}

/**
 * 1, 2 and 5 times the powers of ten between two bounds.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} base
 */
function powers(low, high, base) {
  const found = [];
  for (let power = base ** Math.floor(Math.log10(low)); power <= high; power *= base) {
    for (const step of [1, 2, 5]) if (step * power >= low && step * power <= high) found.push(step * power);
  }
  return found;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
