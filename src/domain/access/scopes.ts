/** What a machine's credential may do. It carries a list of these; each operation demands one (`x-scope`). */
export const scopes = [
  "account:read",
  "account:write",
  "api_keys:read",
  "api_keys:write",
  "audit:read",
  "calls:read",
  "calls:write",
  "campaigns:read",
  "campaigns:write",
  "connections:read",
  "connections:write",
  "consent:read",
  "consent:write",
  "decisions:read",
  "halts:read",
  "halts:write",
  "imports:read",
  "imports:write",
  "leads:read",
  "leads:write",
  "members:read",
  "sellers:read",
  "sellers:write",
  "suppressions:read",
  "suppressions:write",
  "test_clock:read",
  "test_clock:write",
  "token_issuers:read",
  "token_issuers:write",
] as const;
export type Scope = (typeof scopes)[number];

/** By these a token could make what outlives it: they are given to keys alone. */
export const outlivingScopes = ["api_keys:write", "token_issuers:write"] as const satisfies readonly Scope[];
