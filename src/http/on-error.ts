import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { DbError } from "../db/db-error.ts";
import type { OrgDb } from "../db/org-db.ts";
import type { AccessRefused } from "../db/system-db.ts";
import { publicId } from "../lib/ids.ts";
import type { HttpEnv } from "./http-env.ts";
import { Problem, problemResponse } from "./problem.ts";

/** One place turns whatever was thrown into a problem document. Nothing of an unknown error's text leaves. */
export function onError(error: Error, c: Context<HttpEnv>): Response {
  const problem = problemOf(error, nothingDone(error, c));
  if (problem.code === "internal_error") c.env.report(faultOf(error, c.var.requestId));
  return problemResponse(problem, c.env.publicOrigin, c.var.requestId);
}

function problemOf(error: Error, isUndone: boolean): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException) return ofFramework(error.status);
  if (isDbError(error)) return ofDatabase(error, isUndone);
  if (isAccessRefused(error)) return ofAccess(error);
  return new Problem("internal_error", {
    detail: `The request was not done, or only in part. It is reported under its Request-Id. ${lookUp}`,
  });
}

// The classes live behind db/, whose types alone are known here.
export const isDbError = (error: Error): error is DbError => error.name === "DbError";
export const isAccessRefused = (error: Error): error is AccessRefused => error.name === "AccessRefused";

/** The database failed, and it is certain that nothing was done for the request before that. */
export const nothingDone = (error: Error | undefined, c: Context<HttpEnv>): boolean =>
  error !== undefined && isDbError(error) && (c.var.org as OrgDb | undefined)?.mayHaveChanged !== true;

export function unauthorized(detail: string): Problem {
  return new Problem("unauthorized", { detail, headers: { "www-authenticate": 'Bearer realm="dialgate"' } });
}
/** One answer for all that the record of a token's issuer alone could tell: whether there is one is nobody's business. */
export const refusedToken = (): Problem =>
  invalidToken(
    "The token is not accepted: its issuer is not registered or has ended, or its key, signature, subject or age is not what the issuer takes.",
  );
/** RFC 6750 §3.1. */
export function invalidToken(detail: string): Problem {
  return new Problem("unauthorized", {
    detail,
    headers: { "www-authenticate": 'Bearer realm="dialgate", error="invalid_token"' },
  });
}

/** What the refused are told: on the chain it stands in the same words. */
export const codeOf = (refused: AccessRefused): string => ofAccess(refused).code;

function ofAccess({ reason, demand, sponsorId }: AccessRefused): Problem {
  switch (reason) {
    case "unknown_principal":
      return unauthorized("The API key or session is unknown, expired or revoked.");
    case "token_refused":
      return refusedToken();
    case "org_unknown":
      return new Problem("not_found", { detail: "There is no such organisation." });
    case "org_required":
      return new Problem("org_required", {
        detail:
          "You are a member of several organisations: name that of this request, Dialgate-Org: org_… (GET /v1/me lists yours).",
      });
    case "org_none":
      return new Problem("org_required", {
        detail:
          "You are a member of no organisation: make one, POST /v1/orgs, or have an owner or admin of one invite the address that you sign in by.",
      });
    case "people_only":
      return peopleOnly();
    case "role_missing":
      return roleMissing(demand?.roles?.[0], sponsorId);
    case "factor_due":
      return new Problem("second_factor_due", {
        detail:
          "Finish signing in: show your second factor on the page /auth/second-factor, or by POST /v1/me/second_factor/totp, /v1/me/second_factor/recovery_code or /v1/me/second_factor/passkey.",
      });
    case "factor_missing":
      return new Problem("second_factor_missing", {
        detail:
          "Show a second factor in this session, on the page /auth/second-factor or by POST /v1/me/second_factor/totp or /passkey. Who has none sets one up first, on the page /auth/factors or by POST /v1/me/totp or /v1/me/passkeys/options.",
      });
    case "scope_missing": {
      const scope = demand?.scope ?? "";
      return new Problem("scope_missing", {
        detail: `The API key or token lacks the scope ${scope}.`,
        headers: { "www-authenticate": `Bearer realm="dialgate", error="insufficient_scope", scope="${scope}"` },
      });
    }
  }
}

export const peopleOnly = (unproven = false): Problem =>
  new Problem("people_only", { detail: "Only a person who is signed in may do this, and no key or token.", unproven });

function roleMissing(role: string | undefined, sponsorId: string | null): Problem {
  if (role !== undefined) return new Problem("role_missing", { detail: roleWanted(role, sponsorId) });
  const detail =
    "No operator may do this, whatever their grant: it gives or takes what would outlast the grant, or is the organisation's own word. A member of the organisation whose role allows it does this.";
  return new Problem("role_missing", { detail, errors: [{ pointer: "", code: "no_operator", detail }] });
}

function roleWanted(role: string, sponsorId: string | null): string {
  if (sponsorId === null) return `This takes the role ${role}.`;
  const who = publicId("user", sponsorId);
  return `This takes the role ${role}, and ${who}, who answers for this key or token, has a lower one. An admin or owner gives them the role (PATCH /v1/members/${who}), or rotates the key, or sets the issuer's key, and answers for it from then on.`;
}

/** Nothing was done: the very same request may come again, and its key is free. */
export const sameKey = "Nothing was done. Try again, with the same Idempotency-Key.";
const lookUp =
  "Nobody knows whether this was done. Look up what came of it; to do it again after that, use a new Idempotency-Key.";

function ofDatabase(error: DbError, isUndone: boolean): Problem {
  const state = error.sqlstate;
  // No SQLSTATE: no answer. 08, 53, 57: connection, resources, shutdown. 40: the transaction was rolled back.
  if (state === null || /^(08|53|57|40)/.test(state)) {
    return new Problem("database_unavailable", {
      detail: isUndone ? sameKey : lookUp,
      headers: { "retry-after": state?.startsWith("40") ? "1" : "5" },
    });
  }
  if (error.constraint === "peppers_held") {
    return new Problem("platform_halted", {
      detail: `A key that numbers are looked up by is lost, so that no new number is taken. The platform's operator restores it. ${isUndone ? sameKey : lookUp}`,
      headers: { "retry-after": "60" },
    });
  }
  if (state === "23505") {
    return new Problem("conflict", {
      detail: "There is such a thing already.",
      errors: [{ pointer: "", code: "already_exists", detail: "There is such a thing already." }],
    });
  }
  return new Problem("internal_error", { detail: `It is reported under its Request-Id. ${isUndone ? sameKey : lookUp}` });
}

function ofFramework(status: number): Problem {
  if (status === 413) return new Problem("body_too_large", { detail: "The body is larger than this route reads." });
  if (status === 415)
    return new Problem("unsupported_media_type", { detail: "Send the body as application/json.", unproven: true });
  return new Problem("malformed_json", { detail: "The body could not be read as JSON.", unproven: true });
}

/** What a report may carry: names and places in our own code, never a message, which may hold a person's data. */
export interface FaultReport {
  readonly request_id: string;
  readonly error: string;
  readonly frames: readonly string[];
  readonly statement: string | null;
  readonly sqlstate: string | null;
  readonly constraint: string | null;
}

export function faultOf(error: Error, requestId: string): FaultReport {
  const db = isDbError(error) ? error : null;
  return {
    request_id: requestId,
    error: /^[A-Za-z]{1,40}$/.test(error.name) ? error.name : "Error",
    frames: framesOf(error),
    statement: db?.statement ?? null,
    sqlstate: db?.sqlstate ?? null,
    constraint: db?.constraint ?? null,
  };
}

/** A stack begins with the message, and a message can hold lines that look like frames: only what follows it is read. */
function framesOf({ stack = "", message }: Error): string[] {
  const at = message === "" ? 0 : stack.indexOf(message);
  const frames = at < 0 ? [] : stack.slice(at + message.length).split("\n");
  return frames
    .map((line) => line.trim())
    .filter((line) => /^at .*:\d+:\d+\)?$/.test(line))
    .slice(0, 12);
}
