/** A look-alike of these four never belongs in a spoken variable; the campaign's allow-list comes first, this is the last net. */
const mail = /[^\s@]+@[^\s@]+\.[^\s@]+/;
const socialSecurity = /(?<!\d)\d{3}[- ]\d{2}[- ]\d{4}(?!\d)/;
const certificate = /cert\.trustedform\.com/i;
const digitRuns = /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g;
const maxVariables = 64;
const maxCharacters = 2_000;

/**
 * Why these variables must not leave for a voice provider, or null. What is said aloud is stored by the vendor and its
 * suppliers: mail, social-security and card numbers and consent evidence have no place there.
 */
export function forbiddenVariable(variables: Readonly<Record<string, string>>): string | null {
  const entries = Object.entries(variables);
  if (entries.length > maxVariables) return "too_many_variables";
  for (const [name, value] of entries) {
    // Both vendors keep names of this form for themselves; ours must not shadow them.
    if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) || name.startsWith("system__")) return "variable_name_not_allowed";
    if (typeof value !== "string" || value.length > maxCharacters) return "variable_value_not_allowed";
    if (mail.test(value) || socialSecurity.test(value) || certificate.test(value)) return "variable_holds_personal_data";
    for (const run of value.match(digitRuns) ?? []) if (isCardNumber(run)) return "variable_holds_personal_data";
  }
  return null;
}

/** The check digit that every payment card carries (ISO/IEC 7812-1). */
function isCardNumber(run: string): boolean {
  const digits = Array.from(run.replaceAll(/[^0-9]/g, ""), Number);
  const sum = digits.toReversed().reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
