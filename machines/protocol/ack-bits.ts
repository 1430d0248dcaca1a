/**
 * The selective part of an acknowledgement: bit i (least significant = 0) stands for ack + 1 + i.
 * Bit 0 is never set by a correct sender, because ack itself would then be one higher.
 */

/** How many seqs beyond ack the map can speak of. */
export const ACK_BITS_WIDTH = 32;

/** The map for a receiver that has everything up to `ack` and, beyond it, `seqs`; farther ones are left out. */
export function toAckBits(ack: number, seqs: Iterable<number>): number {
  let bits = 0;
  for (const seq of seqs) {
    const bit = seq - ack - 1;
    if (bit >= 0 && bit < ACK_BITS_WIDTH) bits |= 1 << bit;
  }
  return bits >>> 0;
}

/** Whether an acknowledgement covers `seq`, cumulatively or selectively. */
export function acknowledges(ack: number, ackBits: number, seq: number): boolean {
  if (seq <= ack) return true;
  const bit = seq - ack - 1;
  return bit < ACK_BITS_WIDTH && ((ackBits >>> bit) & 1) === 1;
}

/** The highest seq an acknowledgement speaks of; what its sender claims to have seen. */
export function highestAcknowledged(ack: number, ackBits: number): number {
  return ackBits === 0 ? ack : ack + ACK_BITS_WIDTH - Math.clz32(ackBits);
}
