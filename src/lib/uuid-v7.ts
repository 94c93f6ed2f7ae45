/** RFC 9562 version 7: 48 bits of milliseconds, then 74 random bits. `random` is 10 bytes and is not kept. */
export function uuidV7(milliseconds: number, random: Uint8Array): string {
  if (random.length !== 10) throw new RangeError("a version 7 uuid takes 10 random bytes");
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(milliseconds) << 16n);
  bytes.set(random, 6);
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
