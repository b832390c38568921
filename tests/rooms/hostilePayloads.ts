/** MessagePack that claims more than it holds, or what the protocol does not use. */
export const HOSTILE_PAYLOADS: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ['an array of four billion', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ['an array longer than the message', [0xdc, 0xff, 0xff, 1]],
  ['a map longer than the message', [0xde, 0xff, 0xff]],
  ['a text longer than the message', [0xda, 0xff, 0xff, 65]],
  ['a tower', Array(100).fill(0x91)],
  ['a record of no keys', [0xd4, 0x72, 0x40, 0x05]],
  ['an extension', [0xd4, 0x65, 0x00]],
  ['two messages', [1, 2]],
  ['nothing', []],
];
