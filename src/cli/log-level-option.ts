/**
 * `--log-level`, the same for every program that logs.
 */
import { Option } from 'commander';

export function logLevelOption(fallback: string): Option {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
  return new Option('--log-level <level>', 'log on stderr, JSON lines').choices(levels).default(fallback);
}
