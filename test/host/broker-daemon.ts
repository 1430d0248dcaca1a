/**
 * A daemon to be killed: starts two children and their descendants, the first under a helper that is gone by then,
 * and prints the pids.
 */
import { SpawnBroker } from '../../src/host/broker/spawn-broker.js';
import { WatchedChild } from './watched-child.js';

const broker = new SpawnBroker();

async function startPair(): Promise<number[]> {
  const child = WatchedChild.script(broker, 'sleep 1000 & echo $!; wait');
  await child.sees(() => child.text().includes('\n'));
  return [child.pid, Number(child.text())];
}

const first = await startPair();
process.kill(broker.helperPid ?? 0, 'SIGKILL');
const second = await startPair();
process.stdout.write(`${JSON.stringify({ helper: broker.helperPid, children: [...first, ...second] })}\n`);
