/**
 * Paths as the executor wants them: releases from 0.145 take only file URIs, those up to 0.136 only plain paths
 * (jsonrpc.md §7). What the caller gives is a plain path of the executor's machine, or a URI already.
 */

export type PathStyle = 'uri' | 'native';

export function toRemotePath(path: string, style: PathStyle): string {
  if (style === 'native' || path.startsWith('file:')) return path;
  return `file://${path.split('/').map(encodeURIComponent).join('/')}`;
}

export function fromRemotePath(path: string): string {
  return path.startsWith('file://') ? decodeURIComponent(path.slice('file://'.length)) : path;
}
