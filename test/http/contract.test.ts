import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Hono } from "hono";
import { authenticate } from "../../src/http/authenticate.ts";
import { createApp } from "../../src/http/app.ts";
import { etag } from "../../src/http/etag.ts";
import { limitAddress, limitFlood, limitPrincipal } from "../../src/http/limit-rate.ts";
import { refuseUnsafeRole } from "../../src/http/refuse-unsafe-role.ts";
import { requestId } from "../../src/http/request-id.ts";
import { type OperationId, operations as ruled, type Rule } from "../../src/domain/access/operations.ts";
import { scopes } from "../../src/domain/access/scopes.ts";
import { vendors } from "../../src/providers/vendors.ts";
import { app, document } from "./served-document.ts";

type Operation = Record<string, unknown> & {
  operationId?: string;
  parameters?: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: unknown }> };
};
const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, method, path, operation })),
);

/** What stands before the routes, for every verb. Whatever else is there for every verb is a route that no document names. */
const chain: readonly unknown[] = [requestId, limitFlood, limitAddress, refuseUnsafeRole, authenticate, limitPrincipal, etag];
const routed = ({ routes }: Pick<Hono, "routes">): string[] => {
  const own = routes.filter(({ method, handler, path }) => !(method === "ALL" && chain.includes(handler) && path.endsWith("/*")));
  const named = own.filter(({ path }) => path !== "/openapi.json").map(({ method, path }) => `${method} ${path.replaceAll(/:([a-z_]+)/g, "{$1}")}`);
  return [...new Set(named)].toSorted();
}; // prettier-ignore

describe("the API's document", () => {
  test("is OpenAPI 3.1, and every route of the router is an operation of it, and the other way round", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(routed(app as unknown as Hono)).toEqual(operations.map(({ name }) => name).toSorted());
    expect([...new Set(app.routes.filter(({ method }) => method === "ALL").map(({ handler }) => handler as unknown))]).toEqual(
      chain,
    );
  });

  test("would miss a route for every verb, whatever its path, and one beside it", () => {
    for (const path of ["/v1x/backdoor", "/v1/*", "/*", "*"]) {
      const open = createApp() as unknown as Hono;
      open.all(path, (c) => c.text("in"));
      expect(routed(open), path).toContain(`ALL ${path.startsWith("/") ? path : `/${path}`}`);
    }
    const mounted = createApp() as unknown as Hono;
    mounted.mount("/v1x", () => new Response("in"));
    mounted.on("PURGE", "/v1/leads", (c) => c.text("in"));
    expect(routed(mounted)).toEqual(expect.arrayContaining(["ALL /v1x/*", "PURGE /v1/leads"]));
  });

  test("no schema asks for what another of its parts refuses", () => {
    const impossible = Object.entries(document.components.schemas as Record<string, { allOf?: unknown[] }>).filter(
      ([, schema]) => schema.allOf !== undefined,
    );
    expect(impossible.map(([name]) => name)).toEqual([]);
  });

  test("every operation has an id of its own, and is ruled by the one table or marked public", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(operations.length);
    for (const { operation, name } of operations) {
      expect(operation.operationId, name).toMatch(/^[a-z_]+\.[a-z_]+$/);
    }
    const open = operations.filter(({ operation }) => operation["x-public"] === true);
    expect(open.map(({ path }) => path).filter((path) => path.startsWith("/v1/"))).toEqual([]);
    const closed = operations.filter((one) => !open.includes(one));
    for (const { operation, name } of closed) {
      expect([...scopes, "people", "any"], name).toContain(operation["x-scope"]);
    }
    expect(closed.map(({ operation }) => operation.operationId).toSorted()).toEqual(Object.keys(ruled).toSorted());
  });

  test("each operation says what its row of the one table says, and docs/api.md says what each mark is", () => {
    const page = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
    const marks = new Set(operations.flatMap(({ operation }) => Object.keys(operation).filter((key) => key.startsWith("x-"))));
    expect([...marks].filter((mark) => !page.includes(`\`${mark}\``))).toEqual([]);
    for (const { operation, name } of operations.filter((one) => one.operation["x-public"] !== true)) {
      const { scope, role, factor, orOneself, lasting }: Rule = ruled[operation.operationId as OperationId];
      const said = ["x-scope", "x-role", "x-second-factor", "x-or-oneself", "x-no-operator"].map((mark) => operation[mark]);
      expect(said, name).toEqual([scope, role, factor, orOneself, lasting]);
    }
    const marked = (mark: string) => operations.filter(({ operation }) => operation[mark] !== undefined).map(({ operation }) => operation.operationId);
    expect(marked("x-or-oneself")).toEqual(["members.remove", "support_grants.end"]);
    expect(marked("x-no-operator")).toContain("api_keys.create");
  }); // prettier-ignore

  test("every operation says which quotas count it, and webhooks have none", () => {
    const of = (name: string) => operations.find((one) => one.name === name)?.operation["x-rate-limit"];
    const [address, key, issuer, user] = [
      { policy: "address", q: 12_000, w: 60 },
      { policy: "key", q: 6_000, w: 60 },
      { policy: "issuer", q: 6_000, w: 60 },
      { policy: "user", q: 1_200, w: 60 },
    ];
    expect(of("GET /v1/account")).toEqual([address, key, issuer, user]);
    expect(of("GET /healthz")).toEqual([address]);
    const attempts = [
      { policy: "challenge_address", q: 50, w: 900 },
      { policy: "challenge_known", q: 50, w: 900 },
      { policy: "challenge", q: 5, w: 900 },
    ];
    expect(of("POST /auth/link")).toEqual([address, ...attempts, { policy: "challenge_mail", q: 10, w: 3_600 }]);
    expect(of("POST /v1/me/second_factor/totp")).toEqual([
      address,
      user,
      ...attempts,
      { policy: "challenge_code", q: 30, w: 86_400 },
    ]);
    expect(of("POST /v1/invitations")).toEqual([
      address,
      user,
      { policy: "invitation_address", q: 5, w: 86_400 },
      { policy: "invitation_inviter", q: 100, w: 86_400 },
      { policy: "invitation_org", q: 100, w: 86_400 },
    ]);
    expect(JSON.stringify(document)).not.toContain("x-attempts");
    for (const { operation, name, path } of operations) {
      const said = operation["x-rate-limit"] !== undefined && Object.hasOwn(operation["responses"] as object, "429");
      expect(said, name).toBe(!path.startsWith("/webhooks/"));
    }
  });

  test("every POST of /v1 takes an Idempotency-Key, and nothing else does, and of them those that dial or import demand one", () => {
    const keyed = operations.filter(({ method, path }) => method === "post" && path.startsWith("/v1/"));
    expect(keyed.length).toBeGreaterThan(10);
    for (const { operation, name, path } of keyed) {
      const header = operation.parameters?.find((parameter) => parameter.name === "Idempotency-Key");
      expect(header, name).toMatchObject({ in: "header", required: path === "/v1/calls" || path === "/v1/imports" });
    }
    const takes = ({ operation }: (typeof operations)[number]) =>
      operation.parameters?.some((parameter) => parameter.name === "Idempotency-Key") === true;
    expect(operations.filter((one) => !keyed.includes(one) && takes(one)).map(({ name }) => name)).toEqual([]);
  });

  test("every JSON body has a named schema with an example, and refuses unknown fields", () => {
    const components = document.components.schemas as Record<
      string,
      { example?: unknown; additionalProperties?: unknown; oneOf?: unknown; anyOf?: unknown }
    >;
    for (const { operation, name } of operations) {
      const schema = operation.requestBody?.content["application/json"]?.schema as { $ref?: string } | undefined;
      const named = schema?.$ref?.split("/").at(-1);
      if (named === undefined) continue;
      const component = components[named];
      expect(
        component?.additionalProperties === false || component?.oneOf !== undefined || component?.anyOf !== undefined,
        `${name}: ${named}`,
      ).toBe(true);
    }
    expect(components["NewSeller"]?.example).toBeDefined();
  });

  test("the list of stop checks says which it shows when none is asked for", () => {
    const [list] = operations.filter(({ name }) => name === "GET /v1/stop_checks");
    const status = list?.operation.parameters?.find((parameter) => parameter.name === "status");
    expect(status).toMatchObject({ required: false, schema: { enum: ["missing", "pending"], default: "missing" } });
    expect(list?.operation["description"]).toContain("when no status is asked for");
  });

  test("what a caller of a test organisation would else find out by trial is said where it arises", () => {
    const said = (name: string) => String(operations.find((one) => one.name === name)?.operation["description"]);
    expect(said("POST /v1/test_clock/advance")).toContain("after a launch, wait for the first attempts");
    expect(said("POST /v1/calls")).toMatch(/calls_per_second.* has no `next_eligible_at`/);
  });

  test("a new connection has one form a vendor, with the fields that its own schema knows, demands and fills in", () => {
    const union = document.components.schemas["NewConnection"];
    expect(union.discriminator.propertyName).toBe("vendor");
    expect(Object.keys(union.discriminator.mapping)).toEqual(Object.keys(vendors));
    expect(union.oneOf.map((one: { $ref: string }) => one.$ref)).toEqual(Object.values(union.discriminator.mapping));
    expect(union.example).toMatchObject({ vendor: "retell" });
    const of = (vendor: string) => document.components.schemas[`NewConnection_${vendor}`].properties;
    expect(of("elevenlabs").vendor).toEqual({ type: "string", enum: ["elevenlabs"] });
    expect(of("elevenlabs").config).toMatchObject({
      additionalProperties: false,
      required: ["agent_id", "agent_phone_number_id", "from_number"],
      properties: { residency: { default: "global", enum: ["global", "us", "eu", "in", "sg"] } },
    });
    expect(of("elevenlabs").credential).toMatchObject({
      writeOnly: true,
      required: ["api_key", "webhook_secret", "tool_secret"],
    });
    expect(of("http_dnc").config).toMatchObject({ required: ["lists"], properties: { lists: { maxItems: 100 } } });
    expect(of("retell").credential.required).toEqual(["api_key"]);
    for (const vendor of Object.keys(vendors))
      for (const field of Object.values<{ pattern?: string; description?: string }>(of(vendor).credential.properties))
        expect(field.description).toBeTruthy();
  });
});
