/**
 * Which faults a rendezvous commits on purpose, so that people can watch how the ends get over them. Numbers only.
 */
export interface Faults {
  /** Probability, 0 to 1, that a frame never arrives. */
  readonly drop: number;
  /** Probability that it arrives twice. */
  readonly duplicate: number;
  /** Frames of its stream that may overtake a frame; 0 keeps the order. */
  readonly reorder: number;
  /** How long frames are under way: `delayMs`, give or take up to `delaySpreadMs`. Does not change their order. */
  readonly delayMs: number;
  readonly delaySpreadMs: number;
  /** How long a socket that carries streams lives before it is cut, give or take half of it; 0 = as long as it likes. */
  readonly cutMs: number;
  /** Of all chance: the same seed gives the n-th frame of the n-th socket the same fate. */
  readonly seed: number;
}
