import type { Context, MiddlewareHandler } from "hono";
import type { OrgDb } from "../db/org-db.ts";
import type { Demand, SessionProof } from "../db/system-db.ts";
import { type OperationId, operations, roles, rolesFrom, type Rule } from "../domain/access/operations.ts";
import type { Principal } from "./authenticate.ts";
import { askingOf } from "./asking.ts";
import { idOf } from "./fields.ts";
import { uuidOf } from "../lib/ids.ts";
import type { HttpEnv } from "./http-env.ts";
import { codeOf, isAccessRefused } from "./on-error.ts";
import { renewSession } from "./session-cookie.ts";
import { tellOfNewCountry } from "./tell-of-new-country.ts";
import { tellOfOddUse } from "./tell-of-odd-use.ts";
import { Problem } from "./problem.ts";

/** A fault of the request itself is told only to a caller who was proved: also one that a route finds before it asks for anything. */
const isUnproven = ({ code, parts }: Problem, org: OrgDb): boolean =>
  parts.unproven === true || (code === "invalid_request" && org.lastBound === null);

type SessionPrincipal = Extract<Principal, { kind: "session" }>;

/**
 * Mints the org-bound handle, with what the operation demands. It asks nothing by itself: principal, org, role and scope are
 * proved by the first statement that the handle sends, in the same request to the database.
 */
export const bindOrg = (operation: OperationId): MiddlewareHandler<HttpEnv> =>
  async function bindOrg(c, next) {
    const rule: Rule = operations[operation];
    c.set("org", handleOf(c, c.var.principal, operation, demandOf(rule, c)));
    await next();
    try {
      if (c.error instanceof Problem && isUnproven(c.error, c.var.org)) await c.var.org.bound();
    } finally {
      await noteGuest(c, operation);
    }
    await renewSession(c, askingOf(c));
    await tellOfOddUse(c, askingOf(c));
    await tellOfNewCountry(c, askingOf(c));
  };

/**
 * Whatever an operator asks for in an org is on its chain, also what only wrote, was malformed, or was refused: each is noted
 * by now or is noted here.
 */
async function noteGuest(c: Context<HttpEnv>, operation: OperationId): Promise<void> {
  const { principal } = c.var;
  if (principal.kind !== "session" || principal.grant === null || principal.org === null) return;
  if (operations[operation].role === null) return;
  try {
    // What is noted by now was noted with its read: of what was refused before that, nobody's data was shown.
    await c.var.org.noteRead({ shown: c.error === undefined });
  } catch (thrown) {
    if (!(thrown instanceof Error) || !isAccessRefused(thrown) || thrown.reason === "org_unknown") return;
    const session = { id: principal.sessionId, userId: principal.id, hash: principal.hash };
    const noted = [{ action: "support.refused" as const, subject: operation, facts: { operation, reason: codeOf(thrown) } }];
    const letIn: Demand = { scope: null, roles, factor: false, noted };
    // Whom the grant does not let in at all is nobody's guest; whose session only lacks its factor is.
    await c.env.system
      .asOperator(session, principal.org, principal.grant, letIn, askingOf(c), { refusal: true })
      .noteRead()
      .catch(() => undefined);
  }
}

/** The organisation that the request's support grant opens, for what is a person's own and could be asked of it too; null: no grant. */
export function guestOf(c: Context<HttpEnv>, operation: OperationId): OrgDb | null {
  const { principal } = c.var;
  if (principal.kind !== "session" || principal.grant === null) return null;
  return asGuest(c, principal, principal.grant, { scope: null, roles, factor: false, noted: notesOf(c, principal, operation) });
}

function asGuest(c: Context<HttpEnv>, principal: SessionPrincipal, grant: string, demand: Demand): OrgDb {
  if (principal.org === null)
    throw new Problem("org_required", { detail: "With a support grant, name its organisation: Dialgate-Org: org_…" });
  const session = { id: principal.sessionId, userId: principal.id, hash: principal.hash };
  return c.env.system.asOperator(session, principal.org, grant, demand, askingOf(c));
}

/** The session has gone on under another token in this request: what is still to be asked is bound by that one. */
export function rebind(c: Context<HttpEnv>, operation: OperationId, hash: Uint8Array): void {
  const { principal } = c.var;
  if (principal.kind !== "session") throw new Error("only a session goes on under another token");
  c.set("principal", { ...principal, hash });
  c.set("org", handleOf(c, c.var.principal, operation, demandOf(operations[operation], c)));
}

function handleOf(c: Context<HttpEnv>, principal: Principal, operation: OperationId, demand: Demand): OrgDb {
  const { system } = c.env;
  const asking = askingOf(c);
  const noted = notesOf(c, principal, operation);
  if (principal.kind === "api_key") return system.asApiKey(principal, principal.org, { ...demand, noted }, asking);
  if (principal.kind === "token") return system.asToken(principal.proof, principal.org, { ...demand, noted }, asking);
  const session: SessionProof = { id: principal.sessionId, userId: principal.id, hash: principal.hash };
  const { org, grant } = principal;
  const { role, whileDue, namesOrg }: Rule = operations[operation];
  if (role === null) {
    const mayWait = whileDue === "itself" ? uuidOf("session", c.req.param("id") ?? "") === session.id : whileDue === true;
    return system.asPerson(session, mayWait ? ["open", "factor_due"] : ["open"], demand, asking);
  }
  const asked = org ?? (namesOrg === true ? idOf("org", c.req.param("id") ?? "") : null);
  if (grant === null) return system.asMember(session, asked, { ...demand, noted }, asking);
  return asGuest(c, principal, grant, { ...demand, noted });
}

function demandOf(rule: Rule, c: Context<HttpEnv>): Demand {
  const scope = rule.scope === "people" ? null : rule.scope;
  const { principal } = c.var;
  const grant = principal.kind === "session" ? principal.grant : null;
  // No role, so that it is refused once the guest is proved to be one.
  if (rule.lasting === true && grant !== null) return { scope, roles: [], factor: true };
  if (rule.orOneself === (grant === null ? "member" : "operator") && isOneself(c.req.param("id") ?? "", principal, grant))
    return { scope, roles: rolesFrom("viewer"), factor: false };
  const least = rule.leaves !== undefined && c.req.header("idempotency-key") !== undefined ? rule.leaves : rule.role;
  // With no role of its own an operation for people alone is still none for a machine.
  const roles = least === null ? (rule.scope === "any" ? null : []) : rolesFrom(least);
  return { scope, roles, factor: rule.factor === true };
}

/** The path names who asks, or by what they are let in. */
function isOneself(id: string, principal: Principal, grant: string | null): boolean {
  if (principal.kind !== "session") return false;
  return grant === null ? uuidOf("user", id) === principal.id : uuidOf("supportGrant", id) === grant;
}

/** That someone's data was read; and whatever an operator asked for, who is a guest. */
function notesOf(c: Context<HttpEnv>, principal: Principal, operation: OperationId) {
  const rule: Rule = operations[operation];
  const facts = { operation };
  const isGuest = principal.kind === "session" && principal.grant !== null;
  return [
    ...(rule.subjects === true ? [{ action: "customer_data_accessed" as const, subject: subjectOf(c, operation), facts }] : []),
    ...(isGuest ? [{ action: "support.acted" as const, subject: operation, facts }] : []),
  ];
}

/** Whose data: the id that the path names; a list's entry is one for its page. */
function subjectOf(c: Context<HttpEnv>, operation: OperationId): string {
  const id = c.req.param("id");
  return id !== undefined && /^[a-z]{2,5}_[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id) ? id : operation;
}
