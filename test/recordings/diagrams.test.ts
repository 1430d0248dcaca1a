/**
 * What is drawn and counted of a small recording, compared with what a person has looked at (golden/). Drawn anew with
 * `vitest -u`.
 */
import { describe, expect, it } from 'vitest';
import type { ObservationRecord } from '../../src/observe/record.js';
import { figuresText } from '../../src/recordings/figures-text.js';
import { RecordingFigures } from '../../src/recordings/stream-figures.js';
import { type StreamDiagram, StreamRows } from '../../src/recordings/stream-rows.js';
import { svgDiagram } from '../../src/recordings/svg-diagram.js';
import { terminalDiagram } from '../../src/recordings/terminal-diagram.js';
import { SAID, smallRun } from './small-run.js';

const recordsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ObservationRecord);

async function diagram(): Promise<StreamDiagram> {
  const rows = new StreamRows();
  for (const [index, one] of recordsOf((await smallRun()).harness).entries()) rows.take(index + 1, one);
  const [only] = rows.diagrams.values();
  if (only === undefined) throw new Error('a run without streams');
  return only;
}

async function drawn(width: number, colour = false): Promise<string> {
  return `${[...terminalDiagram(await diagram(), 0, { width, colour })].join('\n')}\n`;
}

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');

describe('a small recording', () => {
  it('is the same each time, and holds nothing of what was said', async () => {
    const { harness } = await smallRun();
    await expect(harness).toMatchFileSnapshot('golden/small.jsonl');
    expect(harness).not.toContain(SAID);
    expect(harness).not.toContain(Buffer.from(SAID).toString('base64').slice(0, 8));
  });

  it('holds it where that was asked for', async () => {
    const { harness } = await smallRun({ payloads: true });
    const payloads = recordsOf(harness).flatMap((one) => (one.type === 'frame' ? (one.payload ?? []) : []));
    expect(payloads.map((text) => Buffer.from(text, 'base64').toString())).toContain(`${SAID} 1`);
  });
});

describe('a sequence diagram', () => {
  it.each([40, 80, 120, 200])('fits %i columns', async (width) => {
    const text = await drawn(width);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`golden/small-${width}.txt`);
  });

  it('says the same with colours', async () => {
    const coloured = await drawn(120, true);
    expect(coloured).not.toBe(await drawn(120));
    expect(coloured.replaceAll(ESCAPES, '')).toBe(await drawn(120));
  });

  it('shows, and does not obey, what would steer the terminal', () => {
    const rows = new StreamRows();
    const stream = 's\u001b]0;gotcha\u0007';
    const frame = { type: 'frame', at: 1, endpoint: 1, stream, dir: 'in', kind: 'ack', reliable: true } as const;
    rows.take(1, { ...frame, ack: 0, ackBits: 0 });
    const [one] = rows.diagrams.values() as Iterable<StreamDiagram>;
    const text = [...terminalDiagram(one as StreamDiagram, 0, { width: 80, colour: false })].join('\n');
    expect(text).toContain('stream s·]0;gotcha·');
    expect(svgDiagram({ ...(one as StreamDiagram), stream: '</svg><script>' }, 0).svg).not.toContain('<script>');
  });

  it('is an SVG that stands alone', async () => {
    const { svg, leftOut } = svgDiagram(await diagram(), 0);
    expect(leftOut).toBe(0);
    expect(svg).not.toMatch(/href|url\(|@import/);
    await expect(svg).toMatchFileSnapshot('golden/small.svg');
  });
});

describe('the figures', () => {
  it('are those of the run', async () => {
    const figures = new RecordingFigures();
    for (const one of recordsOf((await smallRun()).harness)) figures.take(one);
    const [stream] = figures.streams;
    if (stream === undefined) throw new Error('a run without streams');
    expect(stream).toMatchObject({ stream: '5eba5714', role: 'harness', profile: 'reliable', carriersLost: 1 });
    expect(stream.roundTrip?.minMs).toBeGreaterThanOrEqual(40);
    expect(stream.resets).toEqual([{ dir: 'out', reason: 'stream_closed' }]);
    await expect(figuresText(stream)).toMatchFileSnapshot('golden/small-stats.txt');
  });
});
