import { hexOf } from "./bytes.ts";

/** Keys that have the right form and size, and that whoever looks can guess or sign for. */

const differentLeast = 12;
const patternMost = 31;
/**
 * A secret that nobody drew at random: of a few different bytes, or one whose bytes repeat a pattern or count up. That random
 * ones do so is less likely than one in 2^100; those that people think up and hide better are theirs to answer for.
 */
export function isWeakSecret(secret: Uint8Array): boolean {
  if (new Set(secret).size < differentLeast) return true;
  // A pattern repeats in the steps from byte to byte, and so does a count, whose steps are all the same.
  const steps = secret.slice(1).map((byte, at) => byte - (secret[at] ?? 0));
  const longest = Math.min(patternMost, Math.floor(secret.length / 2));
  for (let period = 1; period <= longest; period += 1)
    if (steps.every((step, at) => at < period || step === steps[at - period])) return true;
  return false;
}

/** NIST SP 800-89 §5.3.3: a modulus has no factor below 752. */
const small = Array.from({ length: 750 }, (_, at) => at + 2);
const smallPrimes = small.filter((number) => small.every((factor) => factor >= number || number % factor !== 0)).map(BigInt);
const theirProduct = smallPrimes.reduce((product, prime) => product * prime);
export function hasSmallFactor(modulus: Uint8Array): boolean {
  // Shorter, and with the same small factors: a key set brings hundreds.
  const rest = BigInt(`0x${hexOf(modulus)}`) % theirProduct;
  return smallPrimes.some((prime) => rest % prime === 0n);
}

/**
 * Points of Ed25519 whose order is eight at most, in each spelling (as libsodium's ge25519_has_small_order). Under one, not every
 * library refuses signatures that anybody can write down: OpenSSL 3.0 takes the same one for any message.
 */
const smallOrders = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);
export function isOfSmallOrder(point: Uint8Array): boolean {
  const unsigned = Uint8Array.from(point);
  // The highest bit is the sign of the other coordinate.
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  return smallOrders.has(hexOf(unsigned));
}
