/**
 * Words that come from outside, made fit to be shown: bounded, and without what somebody could make use of.
 */

const ID_LENGTH = 80;
/** Whoever knows all of a session's id may resume it. */
const SESSION = /\bsession:([^\s.]{1,8})[^\s.]*/g;

/** The id of an actor, or the type of an event, which may end with one. */
export function shownName(name: string): string {
  const short = name.includes('session:') ? name.replace(SESSION, 'session:$1') : name;
  return short.length > ID_LENGTH ? `${short.slice(0, ID_LENGTH - 1)}…` : short;
}

/** A reason that this program or a release wrote is one word; anything else is free text of a peer. */
export function shownReason(reason: string): string {
  return /^[a-z][a-z0-9_]{0,63}$/.test(reason) ? reason : `${reason.length} characters of free text`;
}
