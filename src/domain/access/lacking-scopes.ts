/** A credential would get scopes that whoever makes it may not hand on. */
export interface ScopesLacking {
  readonly code: "scope_not_held";
  readonly lacking: readonly string[];
}

/** @param held null: whoever asks may hand on nothing any more. */
export function lackingScopes(wanted: readonly string[], held: readonly string[] | null): ScopesLacking | null {
  const lacking = wanted.filter((scope) => held === null || !held.includes(scope));
  return lacking.length === 0 && held !== null ? null : { code: "scope_not_held", lacking };
}
