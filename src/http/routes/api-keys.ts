import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { livingMax, livingWithRotationsMax } from "../../domain/access/living-max.ts";
import { type WithAccess, withAccess } from "../../domain/access/with-access.ts";
import { type ApiKeyRow, createKey, type KeyWithSecret } from "../../domain/api-keys/create-key.ts";
import { findKey, findKeys } from "../../domain/api-keys/find-keys.ts";
import { revokeKey } from "../../domain/api-keys/revoke-key.ts";
import { revokeAsLeaked } from "../../domain/api-keys/revoke-leaked.ts";
import { rotateKey, type RotationRefusal } from "../../domain/api-keys/rotate-key.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { accessFields, accessOf } from "../access-fields.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { givenEnd, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { endProblem, inWords, lackingProblem, tooManyProblem } from "../lacking-problem.ts";
import { conflict, invalid, notFound, type Problem } from "../problem.ts";
import { scopes } from "../../domain/access/scopes.ts";

const newKey = z
  .strictObject({
    name: line(100),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    expires_at: givenEnd,
  })
  .openapi("NewApiKey", { example: { name: "CRM", scopes: ["leads:write", "calls:write"], expires_at: null } });
const fields = {
  id: idField("apiKey"),
  object: z.literal("api_key"),
  name: z.string(),
  scopes: z.array(z.string()),
  status: z.enum(["active", "expired", "revoked"]),
  created_at: instantField,
  expires_at: instantField.nullable(),
  revoked_at: instantField.nullable(),
  sponsor_id: idField("user")
    .nullable()
    .openapi({ description: "Who answers for it: it never does more than they may. Null: it answers for itself." }),
  ...accessFields,
  rotated_from: idField("apiKey").nullable().openapi({ description: "The key in whose place it was made." }),
  successor: idField("apiKey")
    .nullable()
    .openapi({ description: "The key that was made in its place: it ends with the overlap, and is rotated no more." }),
  last_used_at: instantField.nullable().openapi({ description: "To the minute." }),
};
const apiKey = z
  .strictObject(fields)
  .openapi("ApiKey", { description: "Its instants are of the real clock, in test organisations too." });
const madeKey = z
  .strictObject({
    ...fields,
    secret: z
      .string()
      .nullable()
      .openapi({ description: "The key itself, `dg_test_…`: told once. A repetition by Idempotency-Key gets null." }),
  })
  .openapi("ApiKeyWithSecret");
const leakedKey = z
  .strictObject({
    ...fields,
    came: z
      .array(z.strictObject({ object: z.enum(["api_key", "token_issuer"]), id: z.string(), name: z.string() }))
      .openapi({ description: "What came of it, and has ended with it now." }),
  })
  .openapi("LeakedApiKey");
const rotation = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(604_800)
      .default(86_400)
      .openapi({ description: "How long the old key works beside the new one." }),
  })
  .openapi("Rotation", { example: { overlap_seconds: 3600 } });

const keyId = (uuid: string | null) => (uuid === null ? null : publicId("apiKey", uuid));
const view = (row: WithAccess<ApiKeyRow>, now: Instant): z.infer<typeof apiKey> => ({
  id: publicId("apiKey", row.id),
  object: "api_key",
  name: row.name,
  scopes: row.scopes,
  status: row.revokedAt !== null ? "revoked" : row.expiresAt !== null && row.expiresAt <= now ? "expired" : "active",
  created_at: row.createdAt,
  expires_at: row.expiresAt,
  revoked_at: row.revokedAt,
  sponsor_id: row.sponsorId === null ? null : publicId("user", row.sponsorId),
  ...accessOf(row.access),
  rotated_from: keyId(row.rotatedFrom),
  successor: keyId(row.successorId),
  last_used_at: row.lastUsedAt,
});
const viewMade = ({ key, secret }: KeyWithSecret, now: Instant) => ({ ...view(key, now), secret });

function rotationProblem(refusal: RotationRefusal): Problem {
  if (refusal === "key_unknown") return notFound("API key");
  if (refusal === "too_many") return tooManyProblem("API keys", livingWithRotationsMax);
  if (refusal === "key_ended") return conflict(refusal, "The key has expired or is revoked: make a new one.");
  const detail =
    refusal.code === "key_rotated"
      ? `The key was rotated already, into ${refusal.successor}, and ends with its overlap: rotate that one, or make a new key.`
      : `Whoever asks lacks ${inWords(refusal.lacking)}, which that key has and its successor would: have it rotated by someone who has all of its scopes.`;
  return conflict(refusal.code, detail);
}

/** Of one that has ended nothing more is asked: whoever has just revoked their own key may ask nothing. */
async function viewOne(row: ApiKeyRow, c: Context<HttpEnv>) {
  const [one] = await withAccess(c.var.org, [row], c.env.now());
  if (one === undefined) throw notFound("API key");
  return view(one, c.env.now());
}

export function apiKeyRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/api_keys",
      summary: "Make an API key",
      description: `Its secret is in this answer and nowhere else. It can do no more than whoever makes it, a key or a person. An organisation has up to ${livingMax} that work, and ${livingWithRotationsMax} by rotations; to a key that asks, those made within a day count too.`,
      tags: ["api_keys"],
      ...posts("api_keys.create", { tellsSecret: true }),
      request: { body: jsonBody(newKey) },
      responses: { 201: json("The key, with its secret.", madeKey), ...problems },
    }),
    async (c) => {
      const { name, scopes: given, expires_at: expiresAt } = c.req.valid("json");
      const wanted = { name, scopes: [...new Set(given)], expiresAt: expiresAt as Instant | null };
      const done = await createKey(c.var.org, c.env.mintApiKey, wanted, c.env.now());
      if (done.ok) return c.json(viewMade(done.value, c.env.now()), 201);
      if (done.refusal === "expires_in_past")
        throw invalid({ pointer: "/expires_at", code: done.refusal, detail: "That instant of the real clock has passed." });
      if (done.refusal === "too_many") throw tooManyProblem("API keys", livingMax);
      if (done.refusal.code === "expires_too_late") throw endProblem(done.refusal);
      throw lackingProblem(done.refusal, "A key gives no more than its maker has");
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/api_keys",
      summary: "List API keys, newest first",
      description: "Those that have ended, too.",
      tags: ["api_keys"],
      ...reads("api_keys.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(apiKey)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c, c.req.valid("query"));
      const rows = await withAccess(c.var.org, await findKeys(c.var.org, page), c.env.now());
      return c.json(
        listBody(rows, page, (row) => view(row, c.env.now())),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/api_keys/{id}",
      summary: "Get an API key",
      description: "Also one that has ended. Its secret is in no answer.",
      tags: ["api_keys"],
      ...reads("api_keys.get"),
      request: { params: idParam("apiKey") },
      responses: { 200: json("The key.", apiKey), ...problems },
    }),
    async (c) => {
      const found = await findKey(c.var.org, idOf("apiKey", c.req.valid("param").id));
      if (found === null) throw notFound("API key");
      return c.json(await viewOne(found, c), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/api_keys/{id}/rotate",
      summary: "Replace an API key",
      description:
        "Answers a new key with the old one's name, scopes and end. The old one goes on working for the overlap, and is not rotated again: whoever lost the answer rotates the successor. What either sends with an Idempotency-Key, the other repeats.",
      tags: ["api_keys"],
      ...posts("api_keys.rotate", { tellsSecret: true }),
      request: { params: idParam("apiKey"), body: jsonBody(rotation) },
      responses: { 201: json("The new key, with its secret.", madeKey), ...problems },
    }),
    async (c) => {
      const id = idOf("apiKey", c.req.valid("param").id);
      const done = await rotateKey(c.var.org, c.env.mintApiKey, id, c.req.valid("json").overlap_seconds, c.env.now());
      if (done.ok) return c.json(viewMade(done.value, c.env.now()), 201);
      throw rotationProblem(done.refusal);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/api_keys/{id}",
      summary: "Revoke an API key, at once",
      description:
        "Also the one of this request. Revoking again changes nothing. What the key made goes on: a key that somebody else may have is reported as leaked.",
      tags: ["api_keys"],
      ...changes("api_keys.revoke"),
      request: { params: idParam("apiKey") },
      responses: { 200: json("It is revoked.", apiKey), ...problems },
    }),
    async (c) => {
      const revoked = await revokeKey(c.var.org, idOf("apiKey", c.req.valid("param").id), c.env.now());
      if (revoked === null) throw notFound("API key");
      return c.json(await viewOne(revoked, c), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/api_keys/{id}/leaked",
      summary: "Revoke an API key with all that came of it",
      description:
        "For a key that somebody else may have. As when its text is reported (POST /leaked_keys), every key that it made or rotated something into is revoked with it, every token issuer that it was the last to set, and what came of those; owners get mail. What a person or another key made or rotated stays, its own successor too. Also of a key that has ended; again, it ends what has come meanwhile.",
      tags: ["api_keys"],
      ...posts("api_keys.report_leaked"),
      request: { params: idParam("apiKey") },
      responses: { 200: json("It is revoked, with what came of it.", leakedKey), ...problems },
    }),
    async (c) => {
      const done = await revokeAsLeaked(c.var.org, c.env, idOf("apiKey", c.req.valid("param").id));
      if (done === null) throw notFound("API key");
      await c.env.wakeMail();
      const came = done.came.map(({ kind, ...rest }) => ({ object: kind, ...rest }));
      return c.json({ ...(await viewOne(done.key, c)), came }, 200);
    },
  );
}
