/** The header of a server's WebSocket message. It is never masked, so the same bytes can go to everybody. */

/** RFC 6455, 5.2: the header of a message of 65,536 bytes or more. */
export const MAX_HEADER_BYTES = 10;
/** The only fragment of a binary message. */
const BINARY = 0x82;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * Writes the header of a binary WebSocket message directly before the message.
 *
 * @param at - where the message begins, at least MAX_HEADER_BYTES; it fills `bytes` from there to the end
 * @returns where the header begins
 */
export function putHeader(bytes: Buffer, at: number): number {
  const length = bytes.length - at;
  let from = at - 2;
  if (length < LENGTH_16) {
    bytes[at - 1] = length;
  } else if (length < 65_536) {
    from = at - 4;
    bytes[from + 1] = LENGTH_16;
    bytes.writeUInt16BE(length, at - 2);
  } else {
    from = at - 10;
    bytes[from + 1] = LENGTH_64;
    bytes.writeBigUInt64BE(BigInt(length), at - 8);
  }
  bytes[from] = BINARY;
  return from;
}
