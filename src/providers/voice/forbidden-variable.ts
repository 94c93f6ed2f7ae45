/** A look-alike of these four never belongs in a spoken variable; the campaign's allow-list comes first, this is the last net. */
const mail = /[^\s@]+@[^\s@]+\.[^\s@]+/;
const socialSecurity = /(?<!\d)\d{3}[- .\u2010-\u2015]\d{2}[- .\u2010-\u2015]\d{4}(?!\d)/;
const certificate = /cert\.trustedform\.com/i;
const digitRuns = /\d(?:[- .\u2010-\u2015]?\d){12,}/g;
/** Letters and digits of other widths, and characters that take no room, hide a number from a pattern and not from a reader. */
const plain = (text: string): string => text.normalize("NFKC").replaceAll(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, "");
const maxVariables = 64;
const maxCharacters = 2_000;

/**
 * Why these variables must not leave for a voice provider, or null. What is said aloud is stored by the vendor and its
 * suppliers: mail, social-security and card numbers and consent evidence have no place there.
 */
export function forbiddenVariable(variables: Readonly<Record<string, string>>): string | null {
  const entries = Object.entries(variables);
  if (entries.length > maxVariables) return "too_many_variables";
  for (const [name, given] of entries) {
    // Both vendors keep names of this form for themselves; ours must not shadow them.
    if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) || name.startsWith("system__")) return "variable_name_not_allowed";
    if (typeof given !== "string" || given.length > maxCharacters) return "variable_value_not_allowed";
    const value = plain(given);
    if (mail.test(value) || socialSecurity.test(value) || certificate.test(value)) return "variable_holds_personal_data";
    if ((value.match(digitRuns) ?? []).some(holdsCardNumber)) return "variable_holds_personal_data";
  }
  return null;
}

/** In any of its groups that follow each other: a card's number may stand beside another one. */
function holdsCardNumber(run: string): boolean {
  const groups = run.split(/[^0-9]/);
  return groups.some((_, from) => groups.some((__, to) => isCardNumber(groups.slice(from, to + 1).join(""))));
}

/** The lengths, and the check digit, of every payment card (ISO/IEC 7812-1). */
function isCardNumber(text: string): boolean {
  if (text.length < 13 || text.length > 19) return false;
  const digits = Array.from(text, Number);
  const sum = digits.toReversed().reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
