/**
 * `--inspect`: whether and where a program serves the inspector's page.
 */
import { isIP } from 'node:net';
import { InvalidArgumentError, Option } from 'commander';
import { type Inspector, startInspector } from '../observe/inspector.js';
import type { Observation } from '../observe/observation.js';
import { recordToSocket } from '../recordings/recording.js';

export interface InspectAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether the Stately inspector is served too. */
  readonly stately: boolean;
}

const anyPort: InspectAddress = { host: '127.0.0.1', port: 0, stately: false };

/** Its value is an {@link InspectAddress}; absent when it was not given. */
export function inspectOption(): Option {
  const what = 'serve a page that shows the protocol at work; "stately" for the Stately inspector too';
  return new Option('--inspect [where]', `${what}; on a free port of 127.0.0.1, or on IP:PORT`)
    .preset('127.0.0.1:0')
    .argParser(parseInspect);
}

/** `stately`, `PORT`, `IP:PORT` or `[IP]:PORT`. Throws InvalidArgumentError. */
export function parseInspect(text: string): InspectAddress {
  if (text === 'stately') return { ...anyPort, stately: true };
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([\d.]+)):)?(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? anyPort.host;
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || isIP(host) === 0) {
    throw new InvalidArgumentError('expected IP:PORT, e.g. 127.0.0.1:7421, or stately.');
  }
  return { host, port, stately: false };
}

/** Rejects with a SignalboxError when it cannot listen. */
export async function startInspectorAt(address: InspectAddress, observation: Observation): Promise<Inspector> {
  return await startInspector({ ...address, observation, record: recordToSocket });
}

/** What a person is told of it, a line each. */
export function inspectorLines({ url, statelyUrl }: Inspector): string[] {
  const bridge = statelyUrl === undefined ? [] : [`  stately      ${statelyUrl} (shown by a page of a third party)`];
  return [`  inspector    ${url}`, ...bridge];
}
