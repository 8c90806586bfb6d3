/** Groups of bars, one bar of each series in every group. */
export interface BarChart {
  title: string;
  /** What is counted, under the title. */
  subtitle: string;
  series: string[];
  groups: { name: string; values: number[]; labels: string[] }[];
}

const width = 960;
const height = 420;
const frame = { left: 70, right: 20, top: 90, bottom: 50 };
const colours = ['#8a94a6', '#1f7a5c', '#d9822b', '#5b5bd6'];

const escapeText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const text = (x: number, y: number, content: string, more = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeText(content)}</text>`;

/** The next of 1, 2, 5, 10, 20 … at or above, as the step of an axis with about five lines. */
function stepOf(highest: number): number {
  const rough = Math.max(highest, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10);
}

interface Scale {
  step: number;
  lines: number;
  yOf: (value: number) => number;
}

function scaleOf(groups: BarChart['groups']): Scale {
  const highest = Math.max(0, ...groups.flatMap(({ values }) => values));
  const step = stepOf(highest);
  const lines = Math.ceil(highest / step) || 1;
  const inner_height = height - frame.top - frame.bottom;
  return { step, lines, yOf: (value) => frame.top + inner_height * (1 - value / (lines * step)) };
}

function drawGrid({ step, lines, yOf }: Scale): string[] {
  return Array.from({ length: lines + 1 }, (_, place) => {
    const y = yOf(place * step);
    const ends = `x1="${frame.left}" x2="${width - frame.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"`;
    const value = String(Number((place * step).toPrecision(6)));
    return `<line ${ends} stroke="#dde1e8"/>${text(frame.left - 8, y + 4, value, 'text-anchor="end"')}`;
  });
}

const colourOf = (place: number) => colours[place % colours.length];

function drawGroup(group: BarChart['groups'][number], left: number, group_width: number, { yOf }: Scale): string[] {
  const bar_width = (0.8 * group_width) / Math.max(1, group.values.length);
  const bars = group.values.map((value, place) => {
    const x = left + 0.1 * group_width + place * bar_width;
    const y = yOf(value);
    const size = `width="${(0.92 * bar_width).toFixed(1)}" height="${(yOf(0) - y).toFixed(1)}"`;
    const label = text(x + 0.46 * bar_width, y - 4, group.labels[place] ?? '', 'text-anchor="middle" font-size="10"');
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${size} fill="${colourOf(place)}"/>${label}`;
  });
  return [text(left + group_width / 2, height - frame.bottom + 22, group.name, 'text-anchor="middle"'), ...bars];
}

/** The chart as an SVG document that needs nothing else. */
export function drawBars({ title, subtitle, series, groups }: BarChart): string {
  const scale = scaleOf(groups);
  const group_width = (width - frame.left - frame.right) / Math.max(1, groups.length);
  const legend = series.flatMap((name, place) => [
    `<rect x="${frame.left + place * 180}" y="56" width="12" height="12" fill="${colourOf(place)}"/>`,
    text(frame.left + place * 180 + 18, 66, name),
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(frame.left, 26, title, 'font-size="16" font-weight="bold"'),
    text(frame.left, 44, subtitle, 'fill="#59636e"'),
    ...legend,
    ...drawGrid(scale),
    ...groups.flatMap((group, place) => drawGroup(group, frame.left + place * group_width, group_width, scale)),
    '</svg>\n',
  ].join('\n');
}
