import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type WithAccess, withAccess } from "../../domain/access/with-access.ts";
import { createIssuer, type TokenIssuer } from "../../domain/token-issuers/create-issuer.ts";
import { findIssuer, findIssuers } from "../../domain/token-issuers/find-issuers.ts";
import type { GivenKey } from "../../domain/token-issuers/judge-key.ts";
import { revokeIssuer } from "../../domain/token-issuers/revoke-issuer.ts";
import { updateIssuer } from "../../domain/token-issuers/update-issuer.ts";
import { livingMax } from "../../domain/access/living-max.ts";
import { outlivingScopes, scopes } from "../../domain/access/scopes.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { linePattern, lineWords } from "../../lib/plain-text.ts";
import { type PublicJwk, tokenAlgs } from "../../lib/public-jwk.ts";
import { tokenAudience, tokenLimits } from "../../lib/read-token.ts";
import { accessFields, accessOf } from "../access-fields.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { givenEnd, givenInstant, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { keyProblem } from "../key-problem.ts";
import { endProblem, handingOnProblem, lackingProblem, tooManyProblem } from "../lacking-problem.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, invalid, notFound } from "../problem.ts";

/** A token lasts a day at most: it makes no credential that would outlive it. */
const tokenScopes = scopes.filter((scope) => !(outlivingScopes as readonly string[]).includes(scope));
/** Compared with what a token says, character for character: nothing is trimmed, and what a token may not say is not registered. */
const inTokens = (charactersMax: number) => z.string().min(1, { abort: true }).max(charactersMax).regex(linePattern, lineWords);
const fields = {
  name: line(100),
  issuer: inTokens(500).openapi({ description: "What a token's `iss` says, character for character." }),
  subjects: z
    .array(inTokens(tokenLimits.subjectCharactersMax))
    .min(1)
    .max(100)
    .overwrite((given) => [...new Set(given)])
    .nullable()
    .openapi({ description: "Whose tokens are taken, by `sub`, each kept once; null: whoever the issuer signs for." }),
  scopes: z.array(z.enum(tokenScopes)).min(1).max(tokenScopes.length),
};
const keyFields = {
  public_key: z
    .record(z.string().max(64), z.unknown())
    .optional()
    .openapi({ description: "A public key as a JWK (RFC 7517): Ed25519, P-256, or RSA of 2,048 to 4,096 bits." }),
  jwks_url: z
    .string()
    .max(2_000)
    .optional()
    .openapi({ description: "Where the issuer publishes its keys: https, on its usual port, without a query." }),
  secret: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: "For HS256: 32 to 128 random bytes in base64url. Sealed on arrival, never returned." }),
};
const newIssuer = z
  .strictObject({
    ...fields,
    alg: z.enum(tokenAlgs).openapi({ description: "The one algorithm of its tokens, for good." }),
    ...keyFields,
    subjects: fields.subjects.optional(),
    expires_at: givenEnd,
  })
  .openapi("NewTokenIssuer", {
    example: {
      name: "CRM",
      issuer: "https://crm.acme-solar.com",
      alg: "EdDSA",
      public_key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
      subjects: ["lead-sync"],
      scopes: ["leads:write", "calls:write"],
    },
  });
const changed = z
  .strictObject({
    name: fields.name.optional(),
    issuer: fields.issuer.optional(),
    subjects: fields.subjects.optional(),
    scopes: fields.scopes.optional(),
    ...keyFields,
    not_before: givenInstant.nullable().optional().openapi({ description: "Tokens whose `iat` is before it are refused." }),
  })
  .openapi("TokenIssuerChange", { example: { scopes: ["leads:write"] } });
const tokenIssuer = z
  .strictObject({
    id: idField("tokenIssuer"),
    object: z.literal("token_issuer"),
    name: z.string(),
    issuer: z.string(),
    audience: z.string().openapi({ description: "What a token's `aud` says, in this environment and for this issuer." }),
    alg: z.enum(tokenAlgs),
    key_from: z.enum(["public_key", "jwks_url", "secret"]),
    public_key: z.record(z.string(), z.unknown()).nullable(),
    jwks_url: z.string().nullable(),
    key_set: z
      .strictObject({
        key_ids: z.array(z.string()),
        fetched_at: instantField.nullable(),
        tried_at: instantField.nullable(),
        failure: z.string().nullable().openapi({ description: "Why the last try brought nothing." }),
      })
      .nullable(),
    subjects: z.array(z.string()).nullable(),
    scopes: z.array(z.string()),
    status: z.enum(["active", "expired", "revoked"]),
    version: z.int(),
    not_before: instantField.nullable(),
    created_at: instantField,
    expires_at: instantField.nullable(),
    revoked_at: instantField.nullable(),
    sponsor_id: idField("user")
      .nullable()
      .openapi({ description: "Who answers for it: its tokens never do more than they may. Null: it answers for itself." }),
    ...accessFields,
    last_used_at: instantField.nullable().openapi({ description: "To the minute." }),
  })
  .openapi("TokenIssuer", { description: "Its instants are of the real clock, in test organisations too." });

function view(row: WithAccess<TokenIssuer>, origin: string, now: Instant): z.infer<typeof tokenIssuer> {
  return {
    id: publicId("tokenIssuer", row.id),
    object: "token_issuer",
    name: row.name,
    issuer: row.issuer,
    audience: tokenAudience(origin, row.id),
    alg: row.alg,
    key_from: row.alg === "HS256" ? "secret" : row.jwksUrl === null ? "public_key" : "jwks_url",
    public_key: row.publicKey as Record<string, unknown> | null,
    jwks_url: row.jwksUrl,
    key_set:
      row.jwksUrl === null
        ? null
        : {
            key_ids: ((row.jwks ?? []) as readonly PublicJwk[]).flatMap(({ kid }) => kid ?? []),
            fetched_at: row.jwksFetchedAt,
            tried_at: row.jwksTriedAt,
            failure: row.jwksFailure,
          },
    subjects: row.subjects,
    scopes: row.scopes,
    status: row.revokedAt !== null ? "revoked" : row.expiresAt !== null && row.expiresAt <= now ? "expired" : "active",
    version: row.version,
    not_before: row.notBefore,
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    revoked_at: row.revokedAt,
    sponsor_id: row.sponsorId === null ? null : publicId("user", row.sponsorId),
    ...accessOf(row.access),
    last_used_at: row.lastUsedAt,
  };
}

async function viewOne(row: TokenIssuer, c: Context<HttpEnv>) {
  const [one] = await withAccess(c.var.org, [row], c.env.now());
  if (one === undefined) throw notFound("token issuer");
  return view(one, c.env.publicOrigin, c.env.now());
}
const keyOf = (body: { public_key?: unknown; jwks_url?: string | undefined; secret?: string | undefined }): GivenKey => ({
  publicKey: body.public_key,
  jwksUrl: body.jwks_url,
  secret: body.secret,
});

export function tokenIssuerRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/token_issuers",
      summary: "Register who signs tokens",
      description: `One algorithm and one of public_key, jwks_url and secret. With jwks_url, say in \`subjects\` whose tokens are taken, or null for all: many an issuer signs for anyone who asks. Its \`audience\` goes into each token's \`aud\`. An organisation has up to ${livingMax} that are not revoked; to a key that asks, those made within a day count too.`,
      tags: ["token_issuers"],
      ...posts("token_issuers.create"),
      request: { body: jsonBody(newIssuer) },
      responses: { 201: json("The issuer.", tokenIssuer), ...problems },
    }),
    async (c) => {
      const { subjects, expires_at: expiresAt, ...body } = c.req.valid("json");
      if (body.jwks_url !== undefined && subjects === undefined)
        throw invalid({ pointer: "/subjects", code: "required", detail: "With jwks_url: a list of subjects, or null for all." });
      const { name, issuer, alg } = body;
      const wanted = { name, issuer, alg, subjects: subjects ?? null, scopes: [...new Set(body.scopes)], key: keyOf(body), expiresAt: expiresAt as Instant | null }; // prettier-ignore
      const done = await createIssuer(c.var.org, c.env.tokenKeys, wanted, c.env.now());
      if (done.ok) return c.json(view(done.value, c.env.publicOrigin, c.env.now()), 201);
      if (done.refusal === "expires_in_past")
        throw invalid({ pointer: "/expires_at", code: done.refusal, detail: "That instant of the real clock has passed." });
      if (done.refusal === "too_many") throw tooManyProblem("token issuers", livingMax);
      if (done.refusal.code === "expires_too_late") throw endProblem(done.refusal);
      if (done.refusal.code === "scope_not_held") throw lackingProblem(done.refusal, "An issuer gets no more than its maker has");
      throw keyProblem(done.refusal);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/token_issuers",
      summary: "List token issuers, newest first",
      description: "Those that have ended, too.",
      tags: ["token_issuers"],
      ...reads("token_issuers.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(tokenIssuer)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c, c.req.valid("query"));
      const found = await withAccess(c.var.org, await findIssuers(c.var.org, page), c.env.now());
      return c.json(
        listBody(found, page, (row) => view(row, c.env.publicOrigin, c.env.now())),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/token_issuers/{id}",
      summary: "Get a token issuer",
      description: "With how its keys were last read, where it publishes a set (`key_set`). A secret is in no answer.",
      tags: ["token_issuers"],
      ...reads("token_issuers.get"),
      request: { params: idParam("tokenIssuer") },
      responses: { 200: json("The issuer.", tokenIssuer), ...problems },
    }),
    async (c) => {
      const found = await findIssuer(c.var.org, idOf("tokenIssuer", c.req.valid("param").id));
      if (found === null) throw notFound("token issuer");
      return c.json(await viewOne(found, c), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/token_issuers/{id}",
      summary: "Change a token issuer, or replace its key",
      description:
        "At once: tokens of the old key are refused. For a change without a gap register a second issuer, sign with it, and revoke the first. The algorithm stays.",
      tags: ["token_issuers"],
      ...changes("token_issuers.update"),
      request: { params: idParam("tokenIssuer"), body: jsonBody(changed) },
      responses: { 200: json("The issuer.", tokenIssuer), ...problems },
    }),
    async (c) => {
      const id = idOf("tokenIssuer", c.req.valid("param").id);
      const { name, issuer, subjects, scopes: wanted, not_before: notBefore, ...key } = c.req.valid("json");
      const change = {
        ...(name === undefined ? {} : { name }),
        ...(issuer === undefined ? {} : { issuer }),
        ...(subjects === undefined ? {} : { subjects }),
        ...(wanted === undefined ? {} : { scopes: [...new Set(wanted)] }),
        ...(notBefore === undefined ? {} : { notBefore: notBefore as Instant | null }),
        key: keyOf(key),
      };
      const done = await updateIssuer(c.var.org, c.env.tokenKeys, id, change, c.env.now());
      if (done.ok) return c.json(view(done.value, c.env.publicOrigin, c.env.now()), 200);
      if (done.refusal === "issuer_unknown") throw notFound("token issuer");
      if (typeof done.refusal === "object")
        throw "fields" in done.refusal ? handingOnProblem(done.refusal, done.refusal.fields) : keyProblem(done.refusal);
      throw conflict(
        done.refusal,
        done.refusal === "issuer_ended"
          ? "The issuer has expired or is revoked: register a new one."
          : "It was changed at the same time: read it anew and ask again.",
      );
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/token_issuers/{id}",
      summary: "Revoke a token issuer, at once",
      description: "Every token of it is refused from now on, and its secret destroyed. Revoking again changes nothing.",
      tags: ["token_issuers"],
      ...changes("token_issuers.revoke"),
      request: { params: idParam("tokenIssuer") },
      responses: { 200: json("It is revoked.", tokenIssuer), ...problems },
    }),
    async (c) => {
      const revoked = await revokeIssuer(c.var.org, idOf("tokenIssuer", c.req.valid("param").id), c.env.now());
      if (revoked === null) throw notFound("token issuer");
      return c.json(await viewOne(revoked, c), 200);
    },
  );
}
