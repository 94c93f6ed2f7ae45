import type { EndTooLate } from "../domain/api-keys/create-key.ts";
import type { ScopesLacking } from "../domain/access/lacking-scopes.ts";
import { conflict, invalid, type Problem } from "./problem.ts";

/** "leads:read, leads:write and calls:read". */
export const inWords = (scopes: readonly string[]): string =>
  scopes.length < 2 ? scopes.join("") : `${scopes.slice(0, -1).join(", ")} and ${scopes.at(-1)}`;

/** A credential would get more than whoever asks may hand on: by the scopes that were asked for. */
export function lackingProblem({ code, lacking }: ScopesLacking, rule: string): Problem {
  const without = lacking.length === 0 ? "whoever asks may hand on none any more" : `leave out ${inWords(lacking)}`;
  return invalid({ pointer: "/scopes", code, detail: `${rule}: ${without}.` });
}

/** A key makes nothing that outlives it. */
export const endProblem = ({ code, latest }: EndTooLate): Problem =>
  invalid({
    pointer: "/expires_at",
    code,
    detail: `The key that asks ends at ${latest}, and what it makes no later: ask for that instant or an earlier one, leave it out, or ask as someone who stays longer.`,
  });

/** The organisation has as many as there may be. */
export const tooManyProblem = (what: string, max: number): Problem =>
  conflict(
    "too_many",
    `The organisation has ${max} ${what} that work; to a key, those made within a day count too. Revoke those that nobody needs: what a leaked key made ends with it (POST /v1/api_keys/{id}/leaked).`,
  );

/** Like `lackingProblem` where it is handed on by other fields than the scopes: each that was sent. */
export function handingOnProblem({ code, lacking }: ScopesLacking, fields: readonly string[]): Problem {
  const helps = "Ask as someone who has it, or take it from the issuer's scopes first.";
  const detail = `Whoever sets this hands on ${inWords(lacking)}, which whoever asks lacks. ${helps}`;
  return invalid(...fields.map((field) => ({ pointer: `/${field}`, code, detail })));
}
