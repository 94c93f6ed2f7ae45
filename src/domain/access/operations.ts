import type { Scope } from "./scopes.ts";

/** The four fixed roles, each with what the one before it may. */
export const roles = ["viewer", "member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/** What an operation demands of whoever asks for it. */
export interface Rule {
  /** Of a machine's credential. `people`: no machine may; `any`: each that is known. */
  readonly scope: Scope | "people" | "any";
  /** The least role that may, in an organisation. Null: what is a person's own, whatever organisation they are in. */
  readonly role: Role | null;
  /** Touches credentials, members or policy: the session has shown a second factor. */
  readonly factor?: true;
  /** One's own: also in a session whose second factor is due; `itself`: where the path names that session. */
  readonly whileDue?: true | "itself";
  /** Whoever it is about may as well, with any role: the member themselves, or the operator whom the grant lets in. */
  readonly orOneself?: "member" | "operator";
  /**
   * What the operation leaves of its asker's own role. With an Idempotency-Key it is bound by that, so that a repetition gets the
   * first answer; its verb asks for `role` itself, under the lock of all changes of members.
   */
  readonly leaves?: Role;
  /**
   * Gives or takes what outlasts a support grant: access, where calls go, what the organisation answers for (its policy, its word
   * on whom it may call, and that it calls). No operator may.
   */
  readonly lasting?: true;
  /** The path names the organisation, where no header does. */
  readonly namesOrg?: true;
  /**
   * Answers of the people who are called, and be it as a change's answer: each time it is written down with what is read, or
   * with what is changed.
   */
  readonly subjects?: true;
}

const by = <const R extends Role, const S extends Scope | "people" | "any">(
  role: R,
  scope: S,
  more: Partial<Rule> = {},
): Rule => ({
  scope,
  role,
  ...more,
});
const factor = { factor: true } as const;
const lasting = { factor: true, lasting: true } as const;
const subjects = { subjects: true } as const;
/** The organisation's own word on whom it may call, and on that it calls. */
const vouches = { lasting: true } as const;
/** One's own matters, in no organisation. */
const own: Rule = { scope: "people", role: null };

/**
 * Who may do what: the one table. Routes name their operation, binding demands what stands here, and the documents and
 * `GET /v1/me` are written from it.
 */
export const operations = {
  "sessions.list": own,
  "sessions.end": { ...own, whileDue: "itself" },
  // Not while a factor is due: whoever reads the person's mail could put them out of every session.
  "sessions.end_others": own,
  "identities.list": own,
  "identities.delete": { ...own, factor: true },
  "passkeys.options": own,
  "passkeys.create": own,
  "passkeys.list": own,
  "passkeys.update": { ...own, factor: true },
  "passkeys.delete": { ...own, factor: true },
  "totp.start": own,
  "totp.confirm": own,
  "totp.delete": { ...own, factor: true },
  "recovery_codes.create": { ...own, factor: true },
  "second_factors.get": { ...own, whileDue: true },
  "second_factors.passkey_options": { ...own, whileDue: true },
  "second_factors.passkey": { ...own, whileDue: true },
  "second_factors.totp": { ...own, whileDue: true },
  "second_factors.recovery_code": { ...own, whileDue: true },
  "me.get": { scope: "any", role: null, whileDue: true },
  "me.update": own,
  "orgs.create": own,
  "orgs.update": by("admin", "people", { ...lasting, namesOrg: true }),
  "members.list": by("viewer", "members:read"),
  "members.get": by("viewer", "members:read"),
  "members.update": by("admin", "people", lasting),
  "members.remove": by("admin", "people", { ...lasting, orOneself: "member" }),
  "members.make_owner": by("owner", "people", { ...lasting, leaves: "admin" }),
  "invitations.create": by("admin", "people", lasting),
  "invitations.list": by("admin", "members:read"),
  "invitations.get": by("admin", "members:read"),
  "invitations.revoke": by("admin", "people", lasting),
  "invitations.accept": own,
  "support_grants.open": { ...own, factor: true },
  "support_grants.list_own": own,
  "support_grants.end_own": own,
  "support_grants.list": by("viewer", "audit:read"),
  "support_grants.get": by("viewer", "audit:read"),
  "support_grants.end": by("admin", "people", { orOneself: "operator" }),
  "account.get": by("viewer", "account:read"),
  "api_keys.create": by("admin", "api_keys:write", lasting),
  "api_keys.list": by("admin", "api_keys:read"),
  "api_keys.get": by("admin", "api_keys:read"),
  "api_keys.rotate": by("admin", "api_keys:write", lasting),
  "api_keys.revoke": by("admin", "api_keys:write", lasting),
  // No machine: whoever holds a stolen key would end what others depend on.
  "api_keys.report_leaked": by("admin", "people", lasting),
  "attempts.list": by("viewer", "calls:read", subjects),
  "attempts.get": by("viewer", "calls:read", subjects),
  "audit.list": by("viewer", "audit:read"),
  "calls.create": by("member", "calls:write", { ...vouches, ...subjects }),
  "calls.list": by("viewer", "calls:read", subjects),
  "calls.get": by("viewer", "calls:read", subjects),
  "campaigns.create": by("member", "campaigns:write"),
  "campaigns.list": by("viewer", "campaigns:read"),
  "campaigns.get": by("viewer", "campaigns:read"),
  "campaigns.funnel": by("viewer", "campaigns:read"),
  "campaigns.update": by("member", "campaigns:write", vouches),
  "campaigns.launch": by("member", "campaigns:write", vouches),
  "campaigns.enrol": by("member", "campaigns:write", vouches),
  "campaigns.pause": by("member", "campaigns:write"),
  "campaigns.resume": by("member", "campaigns:write", vouches),
  "connections.create": by("admin", "connections:write", lasting),
  "connections.list": by("viewer", "connections:read"),
  "connections.get": by("viewer", "connections:read"),
  "connections.test": by("admin", "connections:write", factor),
  "connections.update": by("admin", "connections:write", lasting),
  "connections.delete": by("admin", "connections:write", lasting),
  "consent_events.create": by("member", "consent:write", { ...vouches, ...subjects }),
  "consent_events.list": by("viewer", "consent:read", subjects),
  "consent_events.get": by("viewer", "consent:read", subjects),
  "counsel_positions.create": by("admin", "account:write", lasting),
  "counsel_positions.list": by("viewer", "account:read"),
  "counsel_positions.end": by("admin", "account:write", lasting),
  "decisions.dry_run": by("viewer", "decisions:read", subjects),
  "decisions.get": by("viewer", "decisions:read", subjects),
  "decisions.snapshot": by("viewer", "decisions:read", subjects),
  "dnc_acknowledgements.create": by("admin", "account:write", lasting),
  "halts.create": by("member", "halts:write"),
  "halts.list": by("viewer", "halts:read"),
  "halts.end": by("admin", "halts:write", vouches),
  "imports.create": by("member", "imports:write", vouches),
  "imports.upload": by("member", "imports:write", vouches),
  "imports.list": by("viewer", "imports:read"),
  "imports.get": by("viewer", "imports:read"),
  "imports.rejected": by("viewer", "imports:read", subjects),
  "incidents.list": by("viewer", "halts:read"),
  "incidents.get": by("viewer", "halts:read"),
  "incidents.close": by("member", "halts:write", vouches),
  "leads.create": by("member", "leads:write", vouches),
  "leads.create_batch": by("member", "leads:write", vouches),
  "leads.list": by("viewer", "leads:read", subjects),
  "leads.search": by("viewer", "leads:read", subjects),
  "leads.get": by("viewer", "leads:read", subjects),
  "leads.correct": by("member", "leads:write", { ...vouches, ...subjects }),
  "leads.decision": by("viewer", "decisions:read", subjects),
  "leads.decisions": by("viewer", "decisions:read", subjects),
  "policy.get": by("viewer", "account:read"),
  "policy.update": by("admin", "account:write", lasting),
  "sellers.create": by("member", "sellers:write"),
  "sellers.list": by("viewer", "sellers:read"),
  "sellers.get": by("viewer", "sellers:read"),
  "sellers.update": by("member", "sellers:write", vouches),
  "stop_checks.list": by("viewer", "suppressions:read", subjects),
  "stop_checks.judge": by("member", "suppressions:write", vouches),
  "suppressions.create": by("member", "suppressions:write"),
  "suppressions.look_up": by("viewer", "suppressions:read", subjects),
  "test_clock.get": by("viewer", "test_clock:read"),
  "test_clock.advance": by("member", "test_clock:write"),
  "token_issuers.create": by("admin", "token_issuers:write", lasting),
  "token_issuers.list": by("admin", "token_issuers:read"),
  "token_issuers.get": by("admin", "token_issuers:read"),
  "token_issuers.update": by("admin", "token_issuers:write", lasting),
  "token_issuers.revoke": by("admin", "token_issuers:write", lasting),
} as const satisfies Record<string, Rule>;
export type OperationId = keyof typeof operations;

/** Those that hold the role or a higher one. */
export const rolesFrom = (least: Role): readonly Role[] => roles.slice(roles.indexOf(least));

/** What one role, with these scopes if it is a machine's, may ask for, or by a support grant of that role; sorted. */
export function allowedOperations(asked: {
  readonly role: Role | null;
  readonly scopes: readonly string[] | null;
  readonly isGuest?: boolean;
}): string[] {
  return Object.entries<Rule>(operations)
    .filter(([, rule]) => rule.role !== null && (asked.role === null || rolesFrom(rule.role).includes(asked.role)))
    .filter(([, rule]) => asked.isGuest !== true || rule.lasting !== true)
    .filter(([, { scope }]) => asked.scopes === null || scope === "any" || asked.scopes.includes(scope))
    .map(([id]) => id)
    .toSorted();
}

/** What a person of any role, or whom a support grant lets in, may do where it is about themselves, and not of others; sorted. */
export function operationsOnOneself(asked: { readonly role: Role; readonly isGuest?: boolean }): string[] {
  const oneself = asked.isGuest === true ? "operator" : "member";
  const onOthers = allowedOperations({ ...asked, scopes: null });
  return Object.entries<Rule>(operations)
    .filter(([id, rule]) => rule.orOneself === oneself && !onOthers.includes(id))
    .map(([id]) => id)
    .toSorted();
}

/** What is whoever's own, in no organisation: a person's, less while their second factor is due, and a machine's; sorted. */
export const ownOperations = (asked: { readonly isPerson: boolean; readonly isDue: boolean }): string[] =>
  Object.entries<Rule>(operations)
    .filter(([, { role, scope }]) => role === null && (asked.isPerson || scope === "any"))
    .filter(([, { whileDue }]) => !asked.isDue || whileDue !== undefined)
    .map(([id]) => id)
    .toSorted();

/** What a key may be given by someone of this role: scopes none of whose operations ask for a higher one. */
function scopesOf(role: Role): Scope[] {
  const rules = Object.values<Rule>(operations);
  const scopes = new Set(rules.map(({ scope }) => scope).filter((scope) => scope !== "people" && scope !== "any"));
  return [...scopes].filter((scope) =>
    rules.every((rule) => rule.scope !== scope || (rule.role !== null && rolesFrom(rule.role).includes(role))),
  );
}

/** What whoever acts may hand on: a machine's credential its scopes, a person those that their role may give. */
export const heldScopes = (bound: {
  readonly scopes: readonly string[] | null;
  readonly role: string | null;
}): readonly string[] => bound.scopes ?? (bound.role === null ? [] : scopesOf(bound.role as Role));
