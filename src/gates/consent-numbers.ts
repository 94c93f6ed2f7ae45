/** Nobody is called at a toll-free number. */
const tollFree = /^8(?:00|22|33|44|55|66|77|88)/;

/**
 * The national digits of the phone numbers of this plan that a consent text shows: ten digits, or eleven that begin with 1, however
 * they are spaced. Of another plan's number all digits.
 */
export function numbersIn(shown: string): string[] {
  const found = new Set<string>();
  for (const match of shown.matchAll(/(?<!\d)\+?\d(?:[\s().\-–—/]{0,3}\d){6,14}(?!\d)/gu)) {
    const digits = match[0].replace(/\D/g, "");
    const national = digits.length === 11 && digits.startsWith("1") ? digits.slice(1) : digits;
    if (national.length === 10 && !tollFree.test(national)) found.add(national);
    else if (national.length !== 10 && (digits.length > 11 || match[0].startsWith("+"))) found.add(digits);
  }
  return [...found];
}
