#!/usr/bin/env node
/**
 * The command `signalbox`, as it is started: settles how memory is used before anything large is loaded.
 */
import { boundYoungHeap } from '../host/young-heap.js';

const loaded = boundYoungHeap();
const { runCommandLine } = await import('./command-line.js');
loaded();
await runCommandLine();
