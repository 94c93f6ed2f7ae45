import type { MiddlewareHandler } from "hono";
import { z } from "@hono/zod-openapi";
import { bindOrg } from "./bind-org.ts";
import type { HttpEnv } from "./http-env.ts";
import { idempotency, type KeyRule } from "./idempotency.ts";
import { readJson } from "./read-json.ts";
import { type OperationId, operations, type Rule } from "../domain/access/operations.ts";
import { outlivingScopes } from "../domain/access/scopes.ts";

type Chain = MiddlewareHandler<HttpEnv>[];
const smallBodyBytes = 64 * 1024;

const problemDocument = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
  })
  .openapi("Problem");

/** What every operation may answer; the document is always a problem (RFC 9457). */
const anyProblem = {
  default: { description: "A problem document.", content: { "application/problem+json": { schema: problemDocument } } },
};
export const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { "application/json": { schema } },
});
export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { "application/json": { schema } },
});

/** A reading operation. */
export const reads = <const Id extends OperationId>(id: Id) => ({ ...declared(id), middleware: [bindOrg(id)] as Chain });
/** A changing operation that takes no Idempotency-Key because repeating it changes nothing more: PUT, PATCH, DELETE. */
export const changes = <const Id extends OperationId>(id: Id, bodyBytesMax = smallBodyBytes) => ({
  ...declared(id),
  middleware: [bindOrg(id), readJson(bodyBytesMax)] as Chain,
});
/** A POST: takes an Idempotency-Key, or demands one. A `secret` in its answer is told once: a repetition gets null in its place. */
export const posts = <const Id extends OperationId>(id: Id, options: KeyRule & { readonly bodyBytesMax?: number } = {}) => ({
  ...declared(id),
  "x-idempotency-key": options.keyRequired === true ? "required" : "optional",
  middleware: [bindOrg(id), readJson(options.bodyBytesMax ?? smallBodyBytes), idempotency(options)] as Chain,
});
/** A PUT whose body the route streams through. */
export const streams = <const Id extends OperationId>(id: Id) => ({ ...declared(id), middleware: [bindOrg(id)] as Chain });

/** What the document says of who may: a machine by scope, a person by role. */
function declared<const Id extends OperationId>(operationId: Id) {
  const { scope, role, factor, orOneself, lasting }: Rule = operations[operationId];
  const needed = scope === "any" ? [] : [scope];
  // No issuer is given a scope by which a token could make what outlives it.
  const tokens = (outlivingScopes as readonly string[]).includes(scope) ? [] : [{ token: needed }];
  const machines = scope === "people" ? [] : [{ api_key: needed }, ...tokens];
  return {
    operationId,
    "x-scope": scope,
    "x-role": role,
    ...(factor === true ? { "x-second-factor": true } : {}),
    ...(orOneself === undefined ? {} : { "x-or-oneself": orOneself }),
    ...(lasting === true ? { "x-no-operator": true } : {}),
    security: [...machines, { session: [] }],
  };
}
export const problems = anyProblem;
